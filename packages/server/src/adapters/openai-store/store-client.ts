import { setTimeout as pause } from "node:timers/promises";
import { CallError } from "@portcullis/contracts";
import type { OpenAI } from "openai";
import { createGate } from "../../network/gate.ts";
import type { GuardedFetch } from "../../network/guarded-fetch.ts";
import { type Failing, isPassing, readFailing, toRefusal } from "./refusal.ts";

export interface StoreClientOptions {
  /** The source's name, for messages. */
  readonly name: string;
  readonly apiKey: string;
  /** Without a slash at the end. */
  readonly baseUrl: string;
  readonly organization?: string;
  readonly project?: string;
  readonly fetch: GuardedFetch;
}

export interface Ask {
  readonly signal: AbortSignal;
  /** Milliseconds for all attempts together. */
  readonly withinMs: number;
  /** True for what may as well be left: it is tried once, and its failure is held against nobody. */
  readonly spare?: boolean;
}

export interface Exchange<T> {
  send(openai: OpenAI, options: { readonly signal: AbortSignal }): PromiseLike<Response>;
  read(answer: unknown): T;
}

export interface StoreClient {
  load(): Promise<void>;
  /**
   * Sends one request and reads the JSON of its answer; `read` throws `BadAnswer`. What may pass is tried up to three times within the deadline.
   * Rejects with a `CallError` that holds nothing of the other side's words, or with the signal's reason.
   */
  ask<T>(request: Exchange<T>, asked: Ask): Promise<T>;
}

/** Requests of a source at once and in its queue; those that can be spared have a way of their own, so that they never stand before others. */
const wide = [8, 64] as const;
const narrow = [4, 64] as const;
const attempts = 3;
const firstPauseMs = 200;
const longestRestMs = 60_000;

export function createStoreClient(options: StoreClientOptions): StoreClient {
  const { name } = options;
  const gates = { main: createGate(...wide), spare: createGate(...narrow) };
  let client: Promise<OpenAI> | undefined;
  let rest: { readonly until: number; readonly failing: Failing } | undefined;

  const load = (): Promise<OpenAI> => {
    client ??= open(options);
    return client;
  };

  const attempt = async <T>({ send, read }: Exchange<T>, { spare, signal }: Ask): Promise<T> => {
    const openai = await load();
    const leave = await gates[spare ? "spare" : "main"].enter(signal);
    try {
      const response = await send(openai, { signal });
      return read(await response.json());
    } finally {
      leave();
    }
  };

  const persist = async <T>(request: Exchange<T>, asked: Ask, deadline: number): Promise<T> => {
    const { spare = false, signal } = asked;
    if (rest && performance.now() < rest.until) {
      const retryAfterMs = rest.until - performance.now();
      throw toRefusal({ ...rest.failing, retryAfterMs }, name);
    }
    for (let number = 1; ; number++) {
      try {
        return await attempt(request, asked);
      } catch (error) {
        signal.throwIfAborted();
        const failing = readFailing(error);
        const ms = failing.retryAfterMs ?? firstPauseMs * 2 ** (number - 1);
        const again = !spare && number < attempts && isPassing(failing) && performance.now() + ms < deadline;
        if (!again) {
          if (failing.status === 429 && failing.retryAfterMs !== undefined && !spare)
            rest = { until: performance.now() + Math.min(failing.retryAfterMs, longestRestMs), failing };
          throw toRefusal(failing, name);
        }
        await pause(ms, undefined, { signal });
      }
    }
  };

  return {
    load: async () => void (await load()),
    async ask(request, asked) {
      const { withinMs } = asked;
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(tooLate(name, withinMs)), withinMs);
      const signal = AbortSignal.any([asked.signal, late.signal]);
      try {
        signal.throwIfAborted();
        return await persist(request, { ...asked, signal }, performance.now() + withinMs);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        throw error;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

const tooLate = (source: string, withinMs: number): CallError =>
  new CallError("TIMEOUT", `${source} did not answer within ${withinMs} ms.`, {
    details: { source, reason: "timeout", next: "Try again later; other sources are not affected." },
  });

/** The library takes a tenth of a second to load, which only a server that has such a source should pay. */
async function open(options: StoreClientOptions): Promise<OpenAI> {
  const { OpenAI } = await import("openai");
  return new OpenAI({
    apiKey: options.apiKey,
    adminAPIKey: null,
    baseURL: options.baseUrl,
    organization: options.organization ?? null,
    project: options.project ?? null,
    webhookSecret: null,
    fetch: toFetch(options),
    // Attempts and deadlines are this file's.
    maxRetries: 0,
    timeout: 600_000,
    logLevel: "off",
  });
}

const sentHeaders = ["accept", "content-type", "openai-beta", "user-agent"];
const readHeaders = ["retry-after", "retry-after-ms", "x-request-id"];

/**
 * The client's `fetch` over the guarded one. What is sent is written out here: the library adds facts about this machine, and headers from its
 * environment variables, to each request. Redirects are refused, since the key and the query are meant for one address.
 */
function toFetch({ apiKey, organization, project, fetch }: StoreClientOptions): typeof globalThis.fetch {
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input).href;
    const { body, method = "GET", signal } = init;
    if (body !== undefined && body !== null && typeof body !== "string") throw new Error("Only text is sent.");
    const given = new Headers(init.headers);
    const headers: Record<string, string> = { authorization: `Bearer ${apiKey}` };
    if (organization !== undefined) headers["openai-organization"] = organization;
    if (project !== undefined) headers["openai-project"] = project;
    for (const name of sentHeaders) {
      const value = given.get(name);
      if (value !== null) headers[name] = value;
    }
    const answer = await fetch({
      url,
      method,
      headers,
      ...(typeof body === "string" && { body }),
      ...(signal && { signal }),
      reach: (next) => (next.href === url ? "private" : "closed"),
    });
    const { status } = answer;
    if (status < 200 || (status >= 300 && status < 400)) throw new CallError("UPSTREAM", `The status was ${status}.`);
    // Only JSON is an answer, whatever it is called.
    const kept: Record<string, string> = { "content-type": "application/json" };
    for (const name of readHeaders) {
      const value = answer.headers[name];
      if (value !== undefined) kept[name] = value;
    }
    return new Response(status === 204 ? null : Buffer.from(answer.body), { status, headers: kept });
  };
}
