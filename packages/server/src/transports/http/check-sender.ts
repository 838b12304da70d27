import type { IncomingHttpHeaders } from "node:http";
import { isLoopback } from "./check-bind.ts";

export interface SenderRules {
  /** Host names to accept beside loopback's, without a port. */
  readonly allowedHosts: readonly string[];
  /** Origins to accept beside the server's own. */
  readonly allowedOrigins: readonly string[];
}

/**
 * Why a request's Host or Origin is refused; undefined when both are fine. A page of another site can make the owner's browser send
 * requests here, under a name that it points at loopback (DNS rebinding) or across origins: such requests carry a foreign Host or Origin.
 */
export function checkSender(
  headers: IncomingHttpHeaders,
  { allowedHosts, allowedOrigins }: SenderRules,
): string | undefined {
  const host = toHostName(headers.host);
  if (host === undefined || !(isLoopback(host) || allowedHosts.includes(host))) {
    return "This Host is not one of the server's names. Use the address that it printed, or add the name to allowedHosts.";
  }
  const { origin } = headers;
  if (origin === undefined || allowedOrigins.includes(origin)) return undefined;
  // A page that the server itself has sent names the very host that it was asked under.
  if (origin === `http://${headers.host}` || origin === `https://${headers.host}`) return undefined;
  return "This Origin may not use the server. Add it to allowedOrigins if the page is the owner's.";
}

/** `NAME`, `NAME:PORT`, `[v6]`, `[v6]:PORT`; anything else is no host. */
function toHostName(header: string | undefined): string | undefined {
  const found = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/.exec(header ?? "");
  return found?.[1]?.toLowerCase().replace(/\.$/, "");
}
