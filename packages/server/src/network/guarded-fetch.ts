import { validateHeaderName, validateHeaderValue } from "node:http";
import { CallError } from "@portcullis/contracts";
import { exchange, type Request } from "./exchange.ts";
import { createFindAddresses, type Found, type Lookup, type Reach } from "./find-addresses.ts";
import { createLine, createLines, type Line } from "./line.ts";
import { parseUrl } from "./parse-url.ts";
import { type Dial, dialDirectly } from "./pinned-connector.ts";
import { toPrivateHosts } from "./private-hosts.ts";
import { acceptEncoding } from "./read-body.ts";
import { readNext, toNextRequest } from "./redirect.ts";
import { type Hop, refuse, toRefusal } from "./refusal.ts";

interface Limits {
  /** Bytes of a body, as it arrives and unpacked. */
  readonly bodyBytes: number;
  readonly headerBytes: number;
  /** Milliseconds for all hops together, bodies included. */
  readonly totalMs: number;
  /** Milliseconds for each handshake: TCP's, and TLS's. */
  readonly connectMs: number;
  readonly lookupMs: number;
  readonly redirects: number;
}

const defaultLimits: Limits = {
  bodyBytes: 5 * 1024 * 1024,
  headerBytes: 16 * 1024,
  totalMs: 10_000,
  connectMs: 2_000,
  lookupMs: 3_000,
  redirects: 5,
};

export interface GuardedFetchOptions {
  readonly limits?: Partial<Limits>;
  /** `host:port` pairs that may lie on private addresses, as the owner's configuration lists them. */
  readonly privateHosts?: readonly string[];
  /** By default the operating system's resolver. */
  readonly lookup?: Lookup;
  /** By default a plain TCP connection. */
  readonly dial?: Dial;
  /** Certificates to trust instead of the system's, in PEM. */
  readonly ca?: string;
  /**
   * Keeps connections for a while, each for the origin that it was opened to and the reach that it was judged by: for those who ask one place again and
   * again. By default each request has a connection of its own.
   */
  readonly keep?: boolean;
}

export interface GuardedRequest {
  readonly url: string;
  readonly method?: string;
  /** Names in any case. Connection, length, host and coding headers are the network's own and refused. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
  /** Asked at every hop, with the URL that will be connected to and the method that will be sent. */
  readonly reach: (url: URL, method: string) => Reach;
}

export interface GuardedResponse {
  /** Where the answer came from, after redirects. */
  readonly url: URL;
  readonly status: number;
  /** Lower-case names; values that came more than once are joined by commas. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** True when there was a body of a kind that is not read (on an error status; else that is refused). */
  readonly withheld: boolean;
  /** The URLs that the first one led on to. */
  readonly redirects: readonly string[];
}

export type GuardedFetch = (request: GuardedRequest) => Promise<GuardedResponse>;

const ownHeaders =
  /^(host|connection|keep-alive|upgrade|te|trailer|transfer-encoding|content-length|accept-encoding|expect|cookie2?|proxy-.*|sec-.*|:.*)$/;

/**
 * The one way out to the network. Every hop goes the same path: read the URL, ask whether it is allowed, find its addresses, judge all of them,
 * connect to a judged one, and read no more than the caps. Cookies are not kept, proxies of the environment not used. A site's 4xx or 5xx is
 * an answer; what fails or is refused rejects with a `CallError` (`VALIDATION_ERROR`, `PERMISSION_DENIED`, `UPSTREAM`, `TIMEOUT`, `TOO_LARGE`,
 * or the signal's own reason) whose details tell `url`, `reason`, `hop` and `next`.
 */
export function createGuardedFetch(options: GuardedFetchOptions = {}): GuardedFetch {
  const limits = { ...defaultLimits, ...options.limits };
  const isListed = toPrivateHosts(options.privateHosts ?? []);
  const find = createFindAddresses(options.lookup, limits.lookupMs);
  const dial = options.dial ?? dialDirectly;
  const lines = options.keep ? createLines() : undefined;

  const open = async (hop: Hop, reach: Reach, before: Found | undefined, signal: AbortSignal): Promise<Found> => {
    if (reach === "closed") {
      throw refuse("PERMISSION_DENIED", `No policy allows ${hop.url.href}.`, {
        hop,
        reason: hop.number === 0 ? "policy" : "redirect_policy",
        next: "Tell the user which URL you wanted and why; the owner can allow it in a policy.",
      });
    }
    const found = await find({ hop, reach, listed: isListed(hop.url) }, signal);
    // A stranger's page must not choose what is asked of the machines at home.
    if (before && !before.inside && found.inside) {
      throw refuse("PERMISSION_DENIED", `A public site redirected to ${hop.url.host}, which is on a private network.`, {
        hop,
        reason: "redirect_inside",
        next: "If the user wants that page, fetch its URL directly.",
      });
    }
    return found;
  };

  const follow = async (
    asked: GuardedRequest,
    signal: AbortSignal,
    at: (hop: Hop) => void,
  ): Promise<GuardedResponse> => {
    let hop: Hop = { url: readFirst(asked.url), number: 0 };
    let request = toRequest(asked, hop);
    let found: Found | undefined;
    const caps = {
      maxBytes: Math.min(asked.maxBytes ?? limits.bodyBytes, limits.bodyBytes),
      headerBytes: limits.headerBytes,
    };
    const redirects: string[] = [];
    for (;;) {
      at(hop);
      const reach = asked.reach(hop.url, request.method);
      // Where a redirect leads is judged beside where it came from, so nothing is kept for it.
      const key = lines && reach !== "closed" && hop.number === 0 ? `${hop.url.origin} ${reach}` : undefined;
      const kept = key === undefined ? undefined : lines?.take(key);
      found = kept?.found ?? (await open(hop, reach, found, signal));
      const pin = {
        ...found,
        wireBytes: 2 * caps.maxBytes + 4 * caps.headerBytes,
        hop,
        signal,
        connectMs: limits.connectMs,
        dial,
        ...(options.ca !== undefined && { ca: options.ca }),
      };
      const line = kept ?? createLine(pin, { headerBytes: caps.headerBytes });
      const keep = key === undefined ? undefined : (used: Line) => lines?.give(key, used);
      const { location, ...answer } = await exchange(request, { line, pin, ...(keep && { keep }) }, caps);
      if (location === undefined) return { url: hop.url, ...answer, redirects };
      const next = readNext(location, hop, limits.redirects);
      request = toNextRequest(request, answer.status, { from: hop, to: next });
      redirects.push(next.url.href);
      hop = next;
    }
  };

  return async (asked) => {
    const late = new AbortController();
    let hop: Hop | undefined;
    const timer = setTimeout(() => {
      const message = `The fetch was not finished within ${limits.totalMs} ms.`;
      const next = "Try again later, or ask for something smaller.";
      late.abort(
        hop ? refuse("TIMEOUT", message, { hop, reason: "timeout", next }) : new CallError("TIMEOUT", message),
      );
    }, limits.totalMs);
    const signal = asked.signal ? AbortSignal.any([asked.signal, late.signal]) : late.signal;
    try {
      signal.throwIfAborted();
      return await follow(asked, signal, (current) => {
        hop = current;
      });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw hop ? toRefusal(error, hop) : error;
    } finally {
      clearTimeout(timer);
    }
  };
}

function readFirst(text: string): URL {
  const parsed = parseUrl(text);
  if ("url" in parsed) return parsed.url;
  throw refuseUrl(parsed.fault);
}

/** The refusal of a URL that the caller wrote; its text is not repeated, since it may hold a password. */
export const refuseUrl = (fault: { readonly reason: string; readonly message: string }): CallError =>
  new CallError("VALIDATION_ERROR", fault.message, {
    details: {
      at: "args.url",
      reason: `url_${fault.reason}`,
      hop: 0,
      next: "Correct the URL, such as https://example.com/page.",
    },
  });

function toRequest(asked: GuardedRequest, hop: Hop): Request {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(asked.headers ?? {})) {
    const lower = name.toLowerCase();
    try {
      validateHeaderName(lower);
      validateHeaderValue(lower, value);
      if (ownHeaders.test(lower)) throw new Error("own");
    } catch (cause) {
      const next = "Leave that header out.";
      throw refuse("VALIDATION_ERROR", `The header ${JSON.stringify(name)} cannot be sent.`, {
        hop,
        reason: "header",
        next,
        cause,
      });
    }
    headers[lower] = value;
  }
  return {
    method: asked.method ?? "GET",
    headers: { ...headers, "accept-encoding": acceptEncoding },
    body: asked.body,
  };
}
