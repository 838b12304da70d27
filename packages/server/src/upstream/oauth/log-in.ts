import {
  authorizationCodeGrantRequest,
  calculatePKCECodeChallenge,
  dynamicClientRegistrationRequest,
  generateRandomCodeVerifier,
  generateRandomState,
  processAuthorizationCodeResponse,
  processDynamicClientRegistrationResponse,
  validateAuthResponse,
} from "oauth4webapi";
import { discover, type LoginServer } from "./discover.ts";
import type { KeptClient, Login } from "./login-file.ts";
import { openLoopback } from "./loopback.ts";
import { createOAuthFetch, LoginFault, type OAuthFetch, toRequestOptions } from "./oauth-fetch.ts";
import { toClient, toClientAuth, toLoginFault, toTokens } from "./token-requests.ts";

/** What the configuration says of a login. */
export interface OAuthSettings {
  readonly clientId?: string;
  readonly clientSecret?: string;
  readonly scope?: string;
  readonly issuer?: string;
}

export interface LogInOptions {
  /** The upstream server's address. */
  readonly url: string;
  readonly oauth: OAuthSettings;
  /** The https URL of our own metadata document, where there is a public URL (client id metadata document). */
  readonly document?: string | undefined;
  /** The port on loopback that the browser comes back to; 0 takes a free one. */
  readonly port?: number;
  /** How long the browser is waited for (ms). */
  readonly waitMs: number;
  /** Called with the address that the owner opens in a browser. */
  show(address: string): void;
}

/** The URLs that the owner's configuration names. */
export const namedOf = (url: string, { issuer }: OAuthSettings): readonly string[] =>
  issuer === undefined ? [url] : [url, issuer];

/** Logs in to an upstream server: discovery, a client id, the owner's browser, and the code for tokens. Throws `LoginFault`. */
export async function logIn({ url, oauth, document, port, waitMs, show }: LogInOptions): Promise<Login> {
  const named = namedOf(url, oauth);
  const fetch = createOAuthFetch({ named });
  const { resource, server, scope: needed } = await discover({ url, issuer: oauth.issuer, fetch, named });
  const loopback = await openLoopback(port);
  try {
    const { redirectUri } = loopback;
    const scope = toScope(oauth.scope ?? needed, server);
    const client = await chooseClient({ server, oauth, document, redirectUri, scope, fetch });
    const [verifier, state] = [generateRandomCodeVerifier(), generateRandomState()];
    const address = new URL(server.authorization_endpoint);
    const asked = {
      ...{ response_type: "code", client_id: client.client_id, redirect_uri: redirectUri, state, resource },
      ...{ code_challenge: await calculatePKCECodeChallenge(verifier), code_challenge_method: "S256" },
      ...(scope !== undefined && { scope }),
    };
    for (const [name, value] of Object.entries(asked)) address.searchParams.set(name, value);
    const arriving = loopback.arrived(state, waitMs);
    show(address.href);
    const callback = await arriving;
    const secret = client.client_secret ?? oauth.clientSecret;
    const tokens = await redeem({ server, client, secret, callback, state, verifier, redirectUri, resource, fetch });
    const { issuer, token_endpoint, revocation_endpoint, token_endpoint_auth_methods_supported: methods } = server;
    const kept = { issuer, token_endpoint, ...(revocation_endpoint && { revocation_endpoint }) };
    return {
      ...{ version: 1, url, resource, client, since: new Date().toISOString(), tokens },
      server: { ...kept, ...(methods && { token_endpoint_auth_methods_supported: methods }) },
    };
  } finally {
    await loopback.close();
  }
}

/** Without `offline_access`, some servers give nothing to renew a login with. */
function toScope(wanted: string | undefined, { scopes_supported: known }: LoginServer): string | undefined {
  const words = (wanted ?? "").split(" ").filter((word) => /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/.test(word));
  if (known?.includes("offline_access") && words.length > 0 && !words.includes("offline_access"))
    words.push("offline_access");
  return words.length === 0 ? undefined : words.slice(0, 64).join(" ");
}

interface Choosing {
  readonly server: LoginServer;
  readonly oauth: OAuthSettings;
  readonly document: string | undefined;
  readonly redirectUri: string;
  readonly scope: string | undefined;
  readonly fetch: OAuthFetch;
}

/** The client id that the owner has, else the URL of our document where the server reads such, else a new registration. */
async function chooseClient(choosing: Choosing): Promise<KeptClient> {
  const { server, oauth, document, redirectUri, scope, fetch } = choosing;
  if (oauth.clientId !== undefined) return { client_id: oauth.clientId };
  if (document !== undefined && server.client_id_metadata_document_supported === true) return { client_id: document };
  if (server.registration_endpoint === undefined)
    throw new LoginFault(
      `${server.issuer} registers no clients by itself: register Portcullis there, and write its id into oauth.clientId.`,
    );
  const metadata = {
    ...{ client_name: "Portcullis", redirect_uris: [redirectUri], application_type: "native" as const },
    grant_types: ["authorization_code", "refresh_token"],
    ...{ response_types: ["code"], token_endpoint_auth_method: "none" },
    ...(scope !== undefined && { scope }),
  };
  try {
    const answer = await dynamicClientRegistrationRequest(server, metadata, toRequestOptions(fetch));
    const { client_id, client_secret } = await processDynamicClientRegistrationResponse(answer);
    return { client_id, ...(typeof client_secret === "string" && { client_secret }) };
  } catch (error) {
    throw toLoginFault(error, `${server.issuer} does not register Portcullis`);
  }
}

interface Redeeming {
  readonly server: LoginServer;
  readonly client: KeptClient;
  readonly secret: string | undefined;
  readonly callback: URLSearchParams;
  readonly state: string;
  readonly verifier: string;
  readonly redirectUri: string;
  readonly resource: string;
  readonly fetch: OAuthFetch;
}

async function redeem({ server, callback, ...given }: Redeeming): Promise<NonNullable<Login["tokens"]>> {
  const client = toClient(given.client.client_id);
  let params: URLSearchParams;
  try {
    // Holds the state and the issuer (RFC 9207) against what was asked: a code of another server is not sent to this one.
    params = validateAuthResponse(server, client, callback, given.state);
  } catch (error) {
    const refused = callback.get("error")?.replace(/[^\w.-]/g, "");
    throw new LoginFault(
      refused ? `${server.issuer} did not let Portcullis in: ${refused.slice(0, 64)}.` : (error as Error).message,
      error,
    );
  }
  try {
    const answer = await authorizationCodeGrantRequest(
      ...([server, client, toClientAuth(server, given.secret), params, given.redirectUri, given.verifier] as const),
      { additionalParameters: { resource: given.resource }, ...toRequestOptions(given.fetch) },
    );
    return toTokens(await processAuthorizationCodeResponse(server, client, answer), Date.now());
  } catch (error) {
    throw toLoginFault(error, `${server.issuer} gives no tokens for the code`);
  }
}
