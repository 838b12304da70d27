import { CallError } from "@portcullis/contracts";
import { createGuardedFetch, type GuardedFetch } from "../network/guarded-fetch.ts";
import { toPort } from "../network/parse-url.ts";

export interface Endpoint {
  /** Its base URL, without a slash at the end. */
  readonly url: string;
  /** Sent as a bearer token. */
  readonly key?: string;
  readonly fetch: GuardedFetch;
}

/** The way out to one endpoint alone: it may lie on a private address, since the owner's configuration names it. */
export function openWayTo(url: string, limits: { readonly totalMs: number; readonly bodyBytes: number }): GuardedFetch {
  const parsed = new URL(url);
  return createGuardedFetch({ limits, privateHosts: [`${parsed.hostname}:${toPort(parsed)}`] });
}

const sentHeaders = ["accept", "content-type"];

export interface FetchOptions {
  /** What the client library's own signal does not tell. */
  readonly signal?: AbortSignal;
  /** Turns a status that is none of success into what is thrown, before the library reads (and perhaps prints) the answer. */
  readonly toError?: (status: number, headers: Readonly<Record<string, string>>) => Error;
}

/**
 * A client library's `fetch` over the guarded one. What is sent is written out here, since libraries add facts about this machine and keys from its
 * environment. Nothing outside the endpoint's URL is asked, and no redirect is followed: the key and the texts are meant for one address.
 */
export function toFetch(endpoint: Endpoint, { signal: outer, toError }: FetchOptions = {}): typeof globalThis.fetch {
  return async (input, init) => {
    const request = input instanceof Request ? input : undefined;
    const url = new URL(request?.url ?? (input as string | URL)).href;
    if (!url.startsWith(`${endpoint.url}/`)) throw new Error("That is not of the endpoint.");
    const given = new Headers(init?.headers ?? request?.headers);
    const headers: Record<string, string> = {};
    for (const name of sentHeaders) {
      const value = given.get(name);
      if (value !== null) headers[name] = value;
    }
    if (endpoint.key !== undefined) headers.authorization = `Bearer ${endpoint.key}`;
    const body = init?.body ?? (request?.body ? await request.text() : undefined);
    if (body !== undefined && typeof body !== "string") throw new Error("Only text is sent.");
    const signals = [outer, init?.signal ?? request?.signal].filter(
      (signal) => signal !== undefined && signal !== null,
    );
    const answer = await endpoint.fetch({
      url,
      method: init?.method ?? request?.method ?? "GET",
      headers,
      ...(body !== undefined && { body }),
      ...(signals.length > 0 && { signal: AbortSignal.any(signals) }),
      reach: (next) => (next.href === url ? "private" : "closed"),
    });
    const { status } = answer;
    if (status < 200 || (status > 299 && status < 400)) throw new CallError("UPSTREAM", `The status was ${status}.`);
    if (status > 299 && toError) throw toError(status, answer.headers);
    // Only JSON is an answer, whatever it is called.
    return new Response(status === 204 ? null : Buffer.from(answer.body), {
      status,
      headers: { "content-type": "application/json" },
    });
  };
}
