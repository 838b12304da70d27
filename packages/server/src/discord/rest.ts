import type { REST as Rest } from "discord.js";
import { createGuardedFetch } from "../network/guarded-fetch.ts";
import type { DiscordOptions } from "./settings.ts";

/** A page of messages may be this large, all embeds included. */
const mostBytes = 12 * 1024 * 1024;
const requestMs = 15_000;

/**
 * Discord's REST API. discord.js keeps to the rate limits; each of its requests leaves by the guarded fetch, to the API's own host and to no other, also
 * where a redirect leads.
 */
export function createRest(discord: typeof import("discord.js"), options: Omit<DiscordOptions, "path">): Rest {
  const fetch = createGuardedFetch({
    privateHosts: options.privateHosts,
    limits: { bodyBytes: mostBytes, totalMs: requestMs },
  });
  const { origin } = new URL(options.api);
  const makeRequest = async (url: string, init: RequestLike): Promise<Response> => {
    const answer = await fetch({
      url,
      method: init.method ?? "GET",
      headers: toHeaders(init.headers),
      ...(typeof init.body === "string" && { body: init.body }),
      ...(init.signal && { signal: init.signal }),
      reach: (hop) => (hop.origin !== origin ? "closed" : isHere(hop) ? "private" : "public"),
    });
    const bare = answer.status === 204 || answer.status === 304;
    const { "content-encoding": _, "content-length": __, ...headers } = answer.headers;
    return new Response(bare ? null : Buffer.from(answer.body), { status: answer.status, headers });
  };
  const rest = new discord.REST({
    ...{
      version: "10",
      api: options.api.replace(/\/$/, ""),
      timeout: requestMs,
      retries: 2,
      globalRequestsPerSecond: 10,
    },
    makeRequest: makeRequest as never,
  });
  return rest.setToken(options.token);
}

interface RequestLike {
  readonly method?: string;
  readonly headers?: unknown;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

const toHeaders = (headers: unknown): Record<string, string> =>
  Object.fromEntries(new Headers((headers ?? {}) as Record<string, string>));

/** On this machine or at an address that is written out: there the owner means it. */
export const isHere = ({ hostname }: URL): boolean => hostname === "localhost" || /^[\d.]+$|^\[/.test(hostname);
