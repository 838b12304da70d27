import type { Configuration, KoaContextWithOIDC } from "oidc-provider";
import { errors, interactionPolicy, Provider } from "oidc-provider";
import { ulid } from "ulid";
import { accessPrefix, refreshPrefix } from "./access.ts";
import { createAdapter } from "./adapter.ts";
import type { GrantStores } from "./grants.ts";
import type { Keys } from "./keys.ts";
import type { Resources } from "./resources.ts";
import { readScope, writeScope } from "./scopes.ts";

/** Where the authorization server answers. */
export const routes = {
  authorization: "/oauth/authorize",
  token: "/oauth/token",
  registration: "/oauth/register",
  revocation: "/oauth/revoke",
  jwks: "/oauth/jwks",
  /** Followed by the id of a login that waits for the owner. */
  consent: "/oauth/consent/",
} as const;

/** Lifetimes in seconds. A refresh token is good for as long as it is used within 90 days and the grant lasts. */
const lifetimes = { accessToken: 900, code: 60, interaction: 600, refreshToken: 90 * 86_400, session: 600 };

/** The one account: there is one owner, and what a client acts as is chosen with each grant. */
export const account = "owner";

export interface ProviderOptions extends GrantStores {
  readonly resources: Resources;
  readonly keys: Keys;
  /** Whether clients may register themselves. */
  readonly registration: boolean;
  /** Whether clients may be known by a URL (client id metadata documents). */
  readonly metadataDocuments: boolean;
  /** Fetches client metadata documents and their keys. */
  readonly fetch: (url: string | URL) => Promise<Response>;
  /** Shows an error to the person whose browser came here. */
  readonly errorPage: (
    title: string,
    text: string,
  ) => { readonly html: string; readonly headers: Readonly<Record<string, string>> };
  readonly now: () => number;
  readonly fault: (error: unknown) => void;
}

/** The authorization server of OAuth 2.1: codes with PKCE (S256) and rotated refresh tokens, for clients without a shared secret. */
export function createProvider(options: ProviderOptions): Provider {
  const { resources, keys, registration, metadataDocuments, errorPage, fault } = options;
  const issuer = resources.issuer();

  const toResourceServer = (resource: string) => {
    if (!resources.has(resource)) throw new errors.InvalidTarget();
    return {
      scope: `${readScope} ${writeScope}`,
      audience: resource,
      accessTokenFormat: "opaque" as const,
      accessTokenTTL: lifetimes.accessToken,
    };
  };

  const configuration: Configuration = {
    adapter: (kind: string) => createAdapter(kind, options),
    jwks: { keys: [...keys.signing] as never },
    scopes: ["openid", "offline_access"],
    claims: { openid: ["sub"] },
    responseTypes: ["code"],
    clientAuthMethods: ["none", "private_key_jwt"],
    clientDefaults: {
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
      id_token_signed_response_alg: "ES256",
    },
    enabledJWA: {
      idTokenSigningAlgValues: ["ES256"],
      clientAuthSigningAlgValues: ["ES256", "EdDSA", "RS256", "PS256"],
    },
    pkce: { required: () => true },
    routes: {
      authorization: routes.authorization,
      token: routes.token,
      registration: routes.registration,
      revocation: routes.revocation,
      jwks: routes.jwks,
    },
    cookies: {
      keys: [...keys.cookies],
      names: { session: "portcullis_login", interaction: "portcullis_consent", resume: "portcullis_resume" },
      long: { httpOnly: true, sameSite: "lax", signed: true, path: "/oauth/" },
      short: { httpOnly: true, sameSite: "lax", signed: true },
    },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      // An access token that is bound to a key would have to be refused without its proof on every door.
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      registration: { enabled: registration, issueRegistrationAccessToken: false, idFactory: () => `client-${ulid()}` },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      clientIdMetadataDocument: { enabled: metadataDocuments, ack: "draft-02", cacheDuration: { min: 60, max: 3_600 } },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_ctx, _client, oneOf) => oneOf?.[0] ?? `${issuer}/mcp`,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, resource) => toResourceServer(resource),
      },
    },
    interactions: {
      policy: alwaysAsk(),
      url: (_ctx, { uid }) => `${routes.consent}${uid}`,
    },
    // What was granted once is no answer to another request: the owner is asked each time.
    loadExistingGrant: async ({ oidc }) => {
      const grantId = oidc.result?.consent?.grantId;
      return grantId === undefined ? undefined : oidc.provider.Grant.find(grantId);
    },
    findAccount: (_ctx, id) => (id === account ? { accountId: id, claims: () => ({ sub: id }) } : undefined),
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed("refresh_token"),
    rotateRefreshToken: true,
    revokeGrantPolicy: () => true,
    expiresWithSession: () => false,
    ttl: {
      AccessToken: lifetimes.accessToken,
      AuthorizationCode: lifetimes.code,
      Interaction: lifetimes.interaction,
      RefreshToken: lifetimes.refreshToken,
      Session: lifetimes.session,
      IdToken: lifetimes.accessToken,
      Grant: lifetimes.interaction,
    },
    renderError(ctx, { error, error_description: description }) {
      const { html, headers } = errorPage("This login cannot go on", `${description ?? error} (${error})`);
      ctx.set({ ...headers });
      ctx.body = html;
    },
    fetch: options.fetch as never,
  };

  const provider = new Provider(issuer, configuration);
  // The request's own words for host and scheme have been replaced by the issuer's.
  provider.proxy = true;
  prefixTokens(provider);
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.oidc?.route === "discovery")
      Object.assign(ctx.body as object, {
        response_modes_supported: ["query"],
        scopes_supported: ["openid", "offline_access", readScope, writeScope],
      });
  });
  provider.on("server_error", (_ctx: KoaContextWithOIDC, error: Error) => fault(error));
  return provider;
}

/** One question, which no earlier answer settles. */
function alwaysAsk(): interactionPolicy.DefaultPolicy {
  const { Check, Prompt } = interactionPolicy;
  const check = new Check(
    "consent",
    "the owner is asked",
    "consent_required",
    ({ oidc }) => oidc.result?.consent?.grantId === undefined,
  );
  return [new Prompt({ name: "consent", requestable: true }, check)] as unknown as interactionPolicy.DefaultPolicy;
}

/** Tokens carry a prefix that scanners know, before 256 random bits. */
function prefixTokens(provider: Provider): void {
  for (const [{ prototype }, prefix] of [
    [provider.AccessToken, accessPrefix],
    [provider.RefreshToken, refreshPrefix],
  ] as const) {
    const generate = (prototype as unknown as { generateTokenId(): string }).generateTokenId;
    Object.assign(prototype, {
      generateTokenId(this: unknown): string {
        return prefix + generate.call(this);
      },
    });
  }
}
