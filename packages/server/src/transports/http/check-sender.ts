import type { IncomingMessage } from "node:http";
import { isLoopback } from "./check-bind.ts";

export interface SenderRules {
  /** Host names to accept beside loopback's; a port in them is ignored. */
  readonly allowedHosts: readonly string[];
  /** Origins to accept beside the server's own. */
  readonly allowedOrigins: readonly string[];
}

/** The rules in the form that headers are compared with, and with the public URL's own name. */
export function toSenderRules({ allowedHosts, allowedOrigins }: SenderRules, publicUrl?: string): SenderRules {
  const own = publicUrl ? new URL(publicUrl) : undefined;
  const names = own ? [...allowedHosts, own.host] : allowedHosts;
  const origins = own ? [...allowedOrigins, own.origin] : allowedOrigins;
  return {
    allowedHosts: names.map((name) => toHostName(name) ?? name),
    allowedOrigins: origins.map((origin) => origin.toLowerCase().replace(/\/+$/, "")),
  };
}

/**
 * Why a request's Host or Origin is refused; undefined when both are fine. A page of another site can make the owner's browser send
 * requests here, under a name that it points at loopback (DNS rebinding) or across origins: such requests carry a foreign Host or Origin.
 */
export function checkSender(
  { headers, rawHeaders }: Pick<IncomingMessage, "headers" | "rawHeaders">,
  { allowedHosts, allowedOrigins }: SenderRules,
): string | undefined {
  // RFC 9112, 3.2: with two, a proxy before us may have judged the other one.
  if (countHosts(rawHeaders) > 1) return "The request has more than one Host.";
  const host = toHostName(headers.host);
  if (host === undefined || !(isLoopback(host) || allowedHosts.includes(host))) {
    return "This Host is not one of the server's names. Use the address that it printed, or add the name to allowedHosts.";
  }
  const { origin, authorization } = headers;
  // A userscript's requests name no origin; a page that got hold of its token would have to.
  if (origin !== undefined && /^Bearer\s+pcb_/i.test(authorization ?? ""))
    return "A paired script's token is of no use to a page.";
  if (origin === undefined || allowedOrigins.includes(origin)) return undefined;
  // A page that the server itself has sent names the very host that it was asked under.
  if (origin === `http://${headers.host}` || origin === `https://${headers.host}`) return undefined;
  return "This Origin may not use the server. Add it to allowedOrigins if the page is the owner's.";
}

/** Headers by which a proxy tells that somebody else has asked. */
const forwarding = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"] as const;

/** Whether a request was made on this machine, to this machine, by nobody on another's behalf. */
export function isLocal({ headers, socket }: Pick<IncomingMessage, "headers" | "socket">): boolean {
  const peer = (socket.remoteAddress ?? "").replace(/^::ffff:/, "");
  return (
    isLoopback(peer) &&
    isLoopback(toHostName(headers.host) ?? "") &&
    forwarding.every((name) => headers[name] === undefined)
  );
}

/** `NAME`, `NAME:PORT`, `[v6]`, `[v6]:PORT`; anything else is no host. */
function toHostName(header: string | undefined): string | undefined {
  const found = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/.exec(header ?? "");
  return found?.[1]?.toLowerCase().replace(/\.$/, "");
}

function countHosts(rawHeaders: readonly string[]): number {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    if (name?.length === 4 && name.toLowerCase() === "host") hosts += 1;
  }
  return hosts;
}
