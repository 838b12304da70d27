import { type AuthorizationServer, discoveryRequest, processDiscoveryResponse } from "oauth4webapi";
import { isObject } from "../read-schema.ts";
import { LoginFault, mayBeAsked, type OAuthFetch, toRequestOptions } from "./oauth-fetch.ts";

export interface Discovering {
  /** The upstream server's address. */
  readonly url: string;
  /** The issuer that the owner names; otherwise the first that the upstream server does. */
  readonly issuer?: string | undefined;
  readonly fetch: OAuthFetch;
  /** The URLs that the owner's configuration names. */
  readonly named: readonly string[];
}

export type LoginServer = AuthorizationServer & {
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
};

export interface Discovered {
  /** What the tokens are asked for (RFC 8707). */
  readonly resource: string;
  readonly server: LoginServer;
  /** What the upstream server says is needed. */
  readonly scope?: string;
}

/** Finds out where an upstream server wants its clients to log in (RFC 9728, RFC 8414). Throws `LoginFault`. */
export async function discover(options: Discovering): Promise<Discovered> {
  const challenge = await askForChallenge(options);
  const metadata = await readResource(options, challenge.metadata);
  const issuer = chooseIssuer(metadata?.issuers ?? [], options.issuer);
  const server = await readServer(options, issuer);
  const scope = challenge.scope ?? metadata?.scope;
  return { resource: metadata?.resource ?? options.url, server, ...(scope !== undefined && { scope }) };
}

interface Challenge {
  readonly metadata?: string;
  readonly scope?: string;
}

const parameter = (header: string, name: string): string | undefined =>
  new RegExp(`(?:^|[\\s,])${name}="([^"\\\\]{1,2048})"`, "i").exec(header)?.[1];

/** Knocks without a token, as a client of the protocol does. */
async function askForChallenge({ url, fetch }: Discovering): Promise<Challenge> {
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "portcullis", version: "1" } };
  const answer = await fetch(url, {
    method: "POST",
    headers: { accept: "application/json, text/event-stream", "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params }),
  });
  const header = answer.status === 401 ? (answer.headers.get("www-authenticate") ?? "") : "";
  const metadata = parameter(header, "resource_metadata");
  const scope = parameter(header, "scope");
  return { ...(metadata !== undefined && { metadata }), ...(scope !== undefined && { scope }) };
}

interface Resource {
  readonly resource: string;
  readonly issuers: readonly string[];
  readonly scope?: string;
}

async function readResource({ url, fetch }: Discovering, told: string | undefined): Promise<Resource | undefined> {
  const { origin, pathname } = new URL(url);
  const known = `${origin}/.well-known/oauth-protected-resource`;
  for (const place of told === undefined ? [`${known}${pathname === "/" ? "" : pathname}`, known] : [told]) {
    const answer = await fetch(place, { method: "GET", headers: { accept: "application/json" } });
    if (answer.status !== 200 && told === undefined) continue;
    const metadata: unknown = await answer.json().catch(() => undefined);
    if (answer.status !== 200 || !isObject(metadata)) throw new LoginFault(`${place} tells nothing of its resource.`);
    const { resource, authorization_servers: issuers, scopes_supported: scopes } = metadata;
    if (typeof resource !== "string" || !isOf(resource, url))
      throw new LoginFault(`${place} speaks of another resource than ${url}, so nothing it says is used.`);
    return {
      resource,
      issuers: texts(issuers),
      ...(texts(scopes).length > 0 && { scope: texts(scopes).join(" ") }),
    };
  }
  return undefined;
}

const texts = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === "string").slice(0, 64) : [];

/** A resource covers an address at the same origin, at its own path or below. */
function isOf(resource: string, url: string): boolean {
  if (!URL.canParse(resource)) return false;
  const [whole, part] = [new URL(resource), new URL(url)];
  const path = whole.pathname.endsWith("/") ? whole.pathname : `${whole.pathname}/`;
  return whole.origin === part.origin && whole.hash === "" && `${part.pathname}/`.startsWith(path);
}

function chooseIssuer(issuers: readonly string[], wanted: string | undefined): string {
  const issuer = wanted ?? issuers[0];
  if (issuer === undefined)
    throw new LoginFault("It does not tell where its clients log in; name the issuer in oauth.issuer.");
  if (wanted !== undefined && issuers.length > 0 && !issuers.includes(wanted))
    throw new LoginFault(`It takes no tokens of ${wanted}, which oauth.issuer names.`);
  if (!URL.canParse(issuer)) throw new LoginFault(`${JSON.stringify(issuer.slice(0, 200))} is no issuer.`);
  return issuer;
}

async function readServer({ fetch, named }: Discovering, issuer: string): Promise<LoginServer> {
  const identifier = new URL(issuer);
  const server = await readMetadata(fetch, identifier);
  const { authorization_endpoint: ask, token_endpoint: token, code_challenge_methods_supported: methods } = server;
  if (ask === undefined || token === undefined)
    throw new LoginFault(`${issuer} does not tell where to log in and where to get tokens.`);
  if (methods?.includes("S256") !== true)
    throw new LoginFault(`${issuer} does not say that it holds a login to its code challenge (PKCE, S256).`);
  for (const endpoint of [ask, token, server.registration_endpoint, server.revocation_endpoint])
    if (endpoint !== undefined && !mayBeAsked(endpoint, named))
      throw new LoginFault(`${issuer} names ${endpoint.slice(0, 300)}, which is not https.`);
  return { ...server, authorization_endpoint: ask, token_endpoint: token };
}

/** RFC 8414 first, then OpenID Connect's place. The library holds the issuer in the document against the one asked for. */
async function readMetadata(fetch: OAuthFetch, issuer: URL): Promise<AuthorizationServer> {
  for (const algorithm of ["oauth2", "oidc"] as const) {
    const answer = await discoveryRequest(issuer, { algorithm, ...toRequestOptions(fetch) });
    if (answer.status !== 200) continue;
    try {
      return await processDiscoveryResponse(issuer, answer);
    } catch (error) {
      throw new LoginFault(`What ${issuer.href} says of itself cannot be used: ${(error as Error).message}.`, error);
    }
  }
  throw new LoginFault(`${issuer.href} has no metadata of a login server.`);
}
