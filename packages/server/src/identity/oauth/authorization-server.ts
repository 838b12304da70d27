import { IncomingMessage, type ServerResponse } from "node:http";
import type { Provider } from "oidc-provider";
import type { GuardedFetch } from "../../network/guarded-fetch.ts";
import { toServedMetadata, toShownName } from "./client-metadata.ts";
import { createGrantToken, type GrantStores, keepGrant } from "./grants.ts";
import { type Keys, loadKeys } from "./keys.ts";
import { createMetadataFetch } from "./metadata-fetch.ts";
import { createPace } from "./pace.ts";
import type { ProviderOptions } from "./provider.ts";
import { createRegistrations } from "./registrations.ts";
import type { Resources } from "./resources.ts";
import { toToolScopes } from "./scopes.ts";

export interface AuthorizationServerOptions
  extends GrantStores,
    Pick<ProviderOptions, "registration" | "metadataDocuments" | "errorPage" | "now" | "fault"> {
  /** The data folder. */
  readonly data: string;
  /** The keys that a fleet has together, in the place of the data folder's. */
  readonly keys?: ((now: number) => Keys) | undefined;
  readonly resources: Resources;
  readonly fetch: GuardedFetch;
}

/** A login that waits for the owner's answer. */
export interface PendingLogin {
  readonly uid: string;
  readonly client: {
    readonly id: string;
    readonly name: string;
    /** The host that vouches for the client; undefined for one that registered itself and may call itself what it likes. */
    readonly host: string | undefined;
    /** Where the code goes. */
    readonly redirect: string;
  };
  /** What it asks for: `mcp:read`, and `mcp:write` perhaps. */
  readonly scopes: readonly string[];
}

export interface Approval {
  readonly name: string;
  readonly subject: string;
  readonly tools: readonly string[];
  readonly scopes: readonly string[];
  /** Milliseconds; null for until it is withdrawn. */
  readonly lifetime: number | null;
}

export interface AuthorizationServer {
  /** Loads the library, which takes longer than a request may hold up others: to be awaited before the server listens. */
  prepare(): Promise<void>;
  /** Answers a request at one of the provider's own paths. Never rejects. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** A client's registration, whose body has been read. */
  register(request: IncomingMessage, response: ServerResponse, registration: Registration): Promise<void>;
  /** The login that this browser began under that id; undefined when there is none or it took too long. */
  pending(request: IncomingMessage, response: ServerResponse, uid: string): Promise<PendingLogin | undefined>;
  /** Lets the client in; resolves to the path that the browser goes on to. */
  approve(request: IncomingMessage, response: ServerResponse, approval: Approval): Promise<string>;
  /** Sends the client away; resolves to the path that the browser goes on to. */
  refuse(request: IncomingMessage, response: ServerResponse): Promise<string>;
}

export interface Registration {
  readonly peer: string;
  readonly body: unknown;
}

const day = 86_400_000;
const sweepEvery = 60_000;

/** Seconds that stand for a grant without an end. */
const forEver = 100 * 365 * 86_400;

/** The embedded authorization server. Its keys are made with the first request: where it listens, and so what it is called, is known only then. */
export function createAuthorizationServer(options: AuthorizationServerOptions): AuthorizationServer {
  const { data, store, tokens, resources, now, fault } = options;
  const registrations = createRegistrations(store, now);
  const fetch = createMetadataFetch({ fetch: options.fetch, now });
  const pace = createPace({ perPeer: 240, perMinute: 600 }, now);
  let opening: Promise<Provider> | undefined;
  let openedAt = 0;
  let sweptAt = 0;

  const open = (): Promise<Provider> => {
    const at = now();
    // Made anew each day, so that keys which have grown old are changed.
    if (opening && at - openedAt < day) return opening;
    openedAt = at;
    opening = (async () => {
      const own = options.keys?.(at) ?? loadKeys(data, at);
      const [{ createProvider }, keys] = await Promise.all([import("./provider.ts"), own]);
      return createProvider({ ...options, keys, fetch });
    })();
    // What failed once (a full disk) may work the next time.
    opening.catch(() => {
      opening = undefined;
    });
    return opening;
  };

  const sweep = async (): Promise<void> => {
    const at = now();
    if (at - sweptAt < sweepEvery) return;
    sweptAt = at;
    await store.sweep(at);
  };

  /** What the client said of host and scheme decides nothing: every URL is the issuer's. */
  const settle = (request: IncomingMessage): void => {
    const issuer = new URL(resources.issuer());
    for (const name of Object.keys(request.headers))
      if (/^(x-forwarded-|forwarded$)/.test(name)) delete request.headers[name];
    request.headers.host = issuer.host;
    request.headers["x-forwarded-proto"] = issuer.protocol.slice(0, -1);
  };

  const run = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const provider = await open();
    settle(request);
    await provider.callback()(request, response);
  };

  const guarded = async (response: ServerResponse, body: () => Promise<void>): Promise<void> => {
    try {
      await body();
    } catch (error) {
      fault(error);
      if (response.headersSent) response.destroy();
      else sendError(response, 503, "temporarily_unavailable", "The authorization server cannot answer now.");
    }
  };

  const detailsOf = async (request: IncomingMessage, response: ServerResponse) => {
    const provider = await open();
    settle(request);
    const details = await provider.interactionDetails(request, response);
    const client = await provider.Client.find(String(details.params.client_id));
    if (!client) throw new Error("The client is not known any more.");
    return { provider, details, client };
  };

  return {
    async prepare() {
      await import("./provider.ts");
    },
    handle: (request, response) =>
      guarded(response, async () => {
        await sweep();
        // Each login that begins is kept for a while: nobody may fill the disk with them.
        if (request.url?.startsWith("/oauth/authorize?") && !pace.admit(request.socket.remoteAddress ?? ""))
          return sendError(response, 429, "temporarily_unavailable", "Too many logins begin; try again in a minute.", {
            "retry-after": "60",
          });
        askToRead(request);
        await run(request, response);
      }),
    register: (request, response, { peer, body }) =>
      guarded(response, async () => {
        if (typeof body !== "object" || body === null || Array.isArray(body))
          return sendError(response, 400, "invalid_client_metadata", "Send a JSON object.");
        const served = toServedMetadata(body as Record<string, unknown>);
        if ("error" in served) return sendError(response, 400, served.error, served.description);
        if (!registrations.admit(peer))
          return sendError(
            response,
            429,
            "temporarily_unavailable",
            "Too many clients register; try again in a minute.",
            { "retry-after": "60" },
          );
        const provider = await open();
        const again = withBody(request, JSON.stringify(served.metadata));
        const kept = (ctx: { readonly req: IncomingMessage }, { clientId }: { readonly clientId: string }): void => {
          if (ctx.req === again) registrations.registered(clientId).catch(fault);
        };
        provider.on("registration_create.success", kept as never);
        try {
          await run(again, response);
        } finally {
          provider.off("registration_create.success", kept as never);
        }
      }),
    async pending(request, response, uid) {
      try {
        const { details, client } = await detailsOf(request, response);
        if (details.uid !== uid) return undefined;
        const isDocument = client.clientId.startsWith("https://");
        const host = isDocument ? new URL(client.clientId).host : undefined;
        const { scope, redirect_uri: redirect } = details.params as Record<string, string | undefined>;
        return {
          uid,
          client: {
            id: client.clientId,
            name: toShownName(client.clientName, host ?? "A client without a name"),
            host,
            redirect: redirect ?? "",
          },
          scopes: toToolScopes(scope),
        };
      } catch (error) {
        if ((error as { error?: string }).error === undefined) fault(error);
        return undefined;
      }
    },
    async approve(request, response, { name, subject, tools, scopes, lifetime }) {
      const { provider, details, client } = await detailsOf(request, response);
      const at = now();
      const { scope, resource } = details.params as { readonly scope?: string; readonly resource: string | string[] };
      const expiresAt = lifetime === null ? null : at + lifetime;
      const clientName = toShownName(client.clientName, client.clientId.slice(0, 80));
      const wanted = { name, subject, clientId: client.clientId, clientName, tools, expiresAt };
      const token = await createGrantToken({ store, tokens }, wanted, at);
      const expiresIn = lifetime === null ? forEver : Math.ceil(lifetime / 1_000);
      const grant = new provider.Grant({ accountId: "owner", clientId: client.clientId, expiresIn } as never);
      const asked = new Set(scope?.split(" "));
      grant.addOIDCScope(["openid", "offline_access"].filter((name) => asked.has(name)).join(" "));
      for (const each of [resource].flat()) grant.addResourceScope(each, scopes.join(" "));
      const grantId = await grant.save();
      await keepGrant(
        { store, tokens },
        grantId,
        { tokenId: token.id, clientId: client.clientId, clientName, tools },
        token,
      );
      await registrations.used(client.clientId, expiresAt);
      const result = { login: { accountId: "owner", remember: false }, consent: { grantId } };
      return toPath(await provider.interactionResult(request, response, result));
    },
    async refuse(request, response) {
      const { provider } = await detailsOf(request, response);
      const result = { error: "access_denied", error_description: "The owner refused." };
      return toPath(await provider.interactionResult(request, response, result));
    },
  };
}

const toPath = (url: string): string => {
  const { pathname, search } = new URL(url);
  return pathname + search;
};

/** The same request with another body: one that was read cannot be read again. */
function withBody({ socket, method, url, headers }: IncomingMessage, body: string): IncomingMessage {
  const request = new IncomingMessage(socket);
  const length = String(Buffer.byteLength(body));
  Object.assign(request, {
    method,
    url,
    headers: { ...headers, "content-length": length, "transfer-encoding": undefined },
  });
  // Else its end would be taken for the client's, and the connection closed.
  request.complete = true;
  request.push(body);
  request.push(null);
  return request;
}

/** Who asks for no tools asks to read; and codes travel in the query alone. */
function askToRead(request: IncomingMessage): void {
  const url = new URL(request.url ?? "/", "http://server");
  if (url.pathname !== "/oauth/authorize") return;
  const scope = url.searchParams.get("scope") ?? "";
  const missing = toToolScopes(scope).filter((name) => !scope.split(" ").includes(name));
  if (missing.length > 0) url.searchParams.set("scope", [scope, ...missing].join(" ").trim());
  url.searchParams.delete("response_mode");
  request.url = url.pathname + url.search;
}

export function sendError(
  response: ServerResponse,
  status: number,
  error: string,
  description: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = JSON.stringify({ error, error_description: description });
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store", ...headers }).end(body);
}
