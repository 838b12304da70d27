/** Metadata as a client gave it: nothing of it has been checked. */
export type ClientMetadata = Readonly<Record<string, unknown>>;

/** What is taken from a client's metadata; anything else would only widen what it can ask for, or is not used here. */
const taken = ["client_name", "redirect_uris", "token_endpoint_auth_method", "jwks", "jwks_uri"] as const;

const most = { redirects: 20, redirectLength: 2_048, nameLength: 200 };

/** Why metadata is refused, in the error codes of RFC 7591, 3.2.2. */
export interface MetadataFault {
  readonly error: "invalid_redirect_uri" | "invalid_client_metadata";
  readonly description: string;
}

/**
 * A client's metadata in the one form that is served: the authorization code with refresh tokens, and no shared secret (RFC 7591, 2 lets a
 * server replace what was asked for, and tells the client in its answer).
 */
export function toServedMetadata(given: ClientMetadata): { readonly metadata: ClientMetadata } | MetadataFault {
  const metadata: Record<string, unknown> = {};
  for (const name of taken) if (given[name] !== undefined) metadata[name] = given[name];
  const { redirect_uris: redirects, client_name: name } = metadata;
  if (!Array.isArray(redirects) || redirects.length === 0 || redirects.length > most.redirects)
    return { error: "invalid_redirect_uri", description: `redirect_uris must list 1 to ${most.redirects} URIs.` };
  for (const uri of redirects) {
    const fault = redirectFault(uri);
    if (fault) return { error: "invalid_redirect_uri", description: fault };
  }
  if (name !== undefined && (typeof name !== "string" || name.length > most.nameLength))
    return { error: "invalid_client_metadata", description: "client_name is too long, or no text." };
  if (metadata.token_endpoint_auth_method !== "private_key_jwt") {
    metadata.token_endpoint_auth_method = "none";
    delete metadata.jwks;
    delete metadata.jwks_uri;
  }
  return {
    metadata: {
      ...metadata,
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      application_type: redirects.some((uri) => !String(uri).startsWith("https:")) ? "native" : "web",
      id_token_signed_response_alg: "ES256",
    },
  };
}

const loopback = /^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?(\/|\?|$)/i;
/** Schemes that a browser runs, shows or hands to the system instead of to an app (RFC 8252, 7.1 wants a reversed domain name or the like). */
const forbiddenSchemes =
  /^(javascript|data|vbscript|file|blob|about|filesystem|view-source|ws|wss|ftp|mailto|tel|sms|intent|ms-[a-z-]+|jar|chrome|resource):/i;

/** Why codes are not sent to a URI; undefined when they may be. */
export function redirectFault(uri: unknown): string | undefined {
  if (typeof uri !== "string" || uri.length > most.redirectLength || !URL.canParse(uri))
    return "A redirect URI is an absolute URI.";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u0020\u007f-\uffff\\"<>^`{|}*]/.test(uri))
    return "A redirect URI holds characters that no URI may hold.";
  const { protocol, username, password } = new URL(uri);
  if (uri.includes("#")) return "A redirect URI has no fragment.";
  if (username !== "" || password !== "") return "A redirect URI names no user.";
  if (protocol === "http:")
    return loopback.test(uri) ? undefined : "Plain http is for loopback addresses; use https, or an app's own scheme.";
  if (forbiddenSchemes.test(uri)) return `Codes are not sent to ${protocol}`;
  return undefined;
}

/** A client's name as a person is shown it: no control, bidirectional or invisible characters, on one line. */
export const toShownName = (name: unknown, fallback: string): string => {
  const text = typeof name === "string" ? name.replace(/[\p{C}\p{Z}]+/gu, " ").trim() : "";
  return (text === "" ? fallback : text).slice(0, 80);
};
