import type { IncomingHttpHeaders } from "node:http";
import type { Credential } from "../../pipeline/arrival.ts";

/** The browser's login for permalinks. */
export const cookieName = "portcullis_session";

const none: Credential = { kind: "none" };

/** The token of an Authorization header, and of nowhere else: a query string ends up in logs and histories (RFC 6750, 5.3). */
export function bearerOf({ authorization }: IncomingHttpHeaders): Credential {
  const found = authorization === undefined ? null : /^Bearer ([A-Za-z0-9._~+/-]{1,4096}=*)$/i.exec(authorization);
  return found?.[1] === undefined ? none : { kind: "token", token: found[1] };
}

/** The header's token or, where there is no such header, the login cookie's session: for pages that a browser opens by a link. */
export function bearerOrCookie(headers: IncomingHttpHeaders): Credential {
  if (headers.authorization !== undefined) return bearerOf(headers);
  const secret = cookieOf(headers.cookie ?? "");
  return secret === undefined ? none : { kind: "session", secret };
}

function cookieOf(header: string): string | undefined {
  for (const pair of header.split(";")) {
    const [name, value] = pair.split("=", 2);
    if (name?.trim() === cookieName && /^[A-Za-z0-9._~-]{1,512}$/.test(value ?? "")) return value;
  }
  return undefined;
}
