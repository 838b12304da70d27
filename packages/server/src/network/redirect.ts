import type { CallError } from "@portcullis/contracts";
import type { Request } from "./exchange.ts";
import { parseUrl } from "./parse-url.ts";
import { type Hop, refuse } from "./refusal.ts";

const acrossOrigins = new Set(["accept", "accept-encoding", "accept-language", "user-agent"]);

/** Reads where a redirect leads: as strictly as a caller's URL, at most `most` times, and never from https down to http. */
export function readNext(location: string, from: Hop, most: number): Hop {
  const number = from.number + 1;
  const stop = (reason: string, message: string): CallError =>
    refuse(reason === "redirect_limit" ? "UPSTREAM" : "PERMISSION_DENIED", message, {
      hop: from,
      reason,
      next: "Use another source, and tell the user.",
    });
  const { host } = from.url;
  if (number > most) throw stop("redirect_limit", `${host} redirects more than ${most} times.`);
  const text = toUtf8(location);
  // Judged before it is joined to the page's own URL: joining repairs what should be refused.
  const absolute = /^[a-z][a-z0-9+.-]*:/i.test(text);
  const clean = parseUrl(absolute ? text : `http://base.invalid/${text.replace(/^\/+/, "")}`);
  if ("fault" in clean)
    throw stop("redirect_url", `${host} redirects to something that may not be fetched: ${clean.fault.message}`);
  const next = parseUrl(URL.canParse(text, from.url.href) ? new URL(text, from.url).href : "");
  if ("fault" in next)
    throw stop("redirect_url", `${host} redirects to something that may not be fetched: ${next.fault.message}`);
  if (from.url.protocol === "https:" && next.url.protocol === "http:") {
    throw stop(
      "redirect_downgrade",
      `${host} redirects from https to http, which anyone on the way could read and change.`,
    );
  }
  return { url: next.url, number };
}

// Header bytes come as Latin-1; sites that put raw UTF-8 into Location mean UTF-8.
function toUtf8(text: string): string {
  const decoded = Buffer.from(text, "latin1").toString("utf8");
  return decoded.includes("\ufffd") ? text : decoded;
}

/** The request that follows a redirect (Fetch standard, "HTTP-redirect fetch"): another origin gets no body and no header that could hold a secret. */
export function toNextRequest(
  request: Request,
  status: number,
  { from, to }: { readonly from: Hop; readonly to: Hop },
): Request {
  const toGet = (status === 303 && request.method !== "HEAD") || (status <= 302 && request.method === "POST");
  const method = toGet ? "GET" : request.method;
  const body = toGet ? undefined : request.body;
  let headers = Object.entries(request.headers).filter(([name]) => !toGet || !name.startsWith("content-"));
  if (from.url.origin !== to.url.origin) {
    if (body !== undefined) {
      throw refuse(
        "PERMISSION_DENIED",
        `${from.url.host} redirects a request with a body to ${to.url.host}; the body was not meant for it.`,
        {
          hop: to,
          reason: "redirect_body",
          next: "If the body is meant for that site, send it there directly.",
        },
      );
    }
    headers = headers.filter(([name]) => acrossOrigins.has(name));
  }
  return { method, headers: Object.fromEntries(headers), body };
}
