import type { IncomingMessage } from "node:http";

/** What this server says of itself as a protected resource (RFC 9728), and how it challenges who may not pass (RFC 6750, 3). */
export interface ResourceIdentity {
  /** The origin under a Host that was checked. */
  originOf(host: string | undefined): string;
  /** Who issues the tokens that it takes. */
  issuer(): string;
  /** What a client has to ask for at least; undefined where an issuer elsewhere has scopes of its own. */
  readonly scope?: string;
}

export const resourceMetadataPath = "/.well-known/oauth-protected-resource";

/** The metadata of the resource that a well-known path names by its end; undefined for a path of no door. */
export function toResourceMetadata(identity: ResourceIdentity, host: string | undefined, path: string): unknown {
  const end = path.slice(resourceMetadataPath.length);
  if (!/^(\/?|\/mcp\/?|\/sse\/?|\/v1(\/connector)?\/?)$/.test(end)) return undefined;
  return {
    resource: `${identity.originOf(host)}${end === "/" ? "" : end}`,
    authorization_servers: [identity.issuer()],
    ...(identity.scope && { scopes_supported: [identity.scope] }),
    bearer_methods_supported: ["header"],
    resource_name: "Portcullis",
  };
}

export interface Grievance {
  readonly error?: "invalid_token" | "insufficient_scope";
  /** What a token would have to have; the least that opens the door unless told. */
  readonly scope?: string;
}

/** A challenge that tells a client where to log in, and for what. */
export function toChallenge(identity: ResourceIdentity, request: IncomingMessage, grievance: Grievance = {}): string {
  const { error, scope = identity.scope } = grievance;
  const [path = "/"] = (request.url ?? "/").split("?", 1);
  const door = /^\/(mcp\/?|sse\/?)$/.exec(path)?.[0] ?? (path.startsWith("/sse") ? "/sse" : "");
  const metadata = `${identity.originOf(request.headers.host)}${resourceMetadataPath}${door}`;
  const told = error ? `error="${error}", ` : "";
  const wanted = scope ? `scope="${scope}", ` : "";
  return `Bearer realm="portcullis", ${told}${wanted}resource_metadata="${metadata}"`;
}
