import type { IncomingHttpHeaders } from "node:http";
import type { Credential } from "../../pipeline/arrival.ts";

/** The browser's login for permalinks. */
export const cookieName = "portcullis_token";

/** The token of an Authorization header, and of nowhere else: a query string ends up in logs and histories (RFC 6750, 5.3). */
export function bearerOf(headers: IncomingHttpHeaders): Credential {
  const found = /^Bearer ([A-Za-z0-9._~+/=-]{1,4096})$/i.exec(headers.authorization ?? "");
  return found?.[1] === undefined ? { kind: "none" } : { kind: "token", token: found[1] };
}

/** The header's token, else that of the login cookie: for pages that a browser opens by a link. */
export function bearerOrCookie(headers: IncomingHttpHeaders): Credential {
  const bearer = bearerOf(headers);
  if (bearer.kind !== "none") return bearer;
  const found = new RegExp(`(?:^|; )${cookieName}=([A-Za-z0-9._~-]{1,512})(?:;|$)`).exec(headers.cookie ?? "");
  return found?.[1] === undefined ? bearer : { kind: "token", token: found[1] };
}
