import { setTimeout as delay } from "node:timers/promises";
import { cut } from "./batches.ts";
import { type BreakerOptions, createCircuitBreaker } from "./circuit-breaker.ts";
import { EmbedFault } from "./embed-fault.ts";
import type { Embedder } from "./embedder.ts";

/** Why there is no vector of a query in time: the endpoint is slow, or left alone after failures, or refuses; or too many ask at once. */
export type Cold = "slow" | "down" | "refused" | "busy";

export interface QueryVectors {
  /** The vector of a query, with its collection; within `withinMs` or not at all. Rejects only with the signal's reason. */
  find(query: string, withinMs: number, signal?: AbortSignal): Promise<QueryVector | { readonly cold: Cold }>;
  /** Ends what is still being asked. */
  stop(): void;
}

export interface QueryVector {
  readonly vector: Float32Array;
  readonly collection: string;
}

export interface QueryVectorsOptions {
  readonly embedder: Embedder;
  /** How many queries are remembered. */
  readonly remembered?: number;
  /** Queries that are embedded at once; further ones are cold. */
  readonly atOnce?: number;
  /** How long the endpoint has in all, while nobody waits any longer. */
  readonly requestMs?: number;
  readonly breaker?: BreakerOptions;
}

const longestQuery = 2_000;

/**
 * Vectors of queries, of which the latest are remembered. A query whose vector does not come in time is still embedded, so that it is there when the same is
 * asked again.
 */
export function createQueryVectors(options: QueryVectorsOptions): QueryVectors {
  const { embedder, remembered = 256, atOnce = 8, requestMs = 10_000 } = options;
  const breaker = createCircuitBreaker(options.breaker);
  const ending = new AbortController();
  const known = new Map<string, QueryVector>();
  const asked = new Map<string, Promise<QueryVector>>();

  const embed = async (query: string): Promise<QueryVector> => {
    const late = AbortSignal.timeout(requestMs);
    const signal = AbortSignal.any([ending.signal, late]);
    try {
      const [vector] = await embedder.embed([query], "query", signal);
      if (!vector) throw new EmbedFault("answer", { detail: "wrong count" });
      const found = { vector, collection: await embedder.collection(signal) };
      breaker.succeeded();
      remember(query, found);
      return found;
    } catch (error) {
      if (ending.signal.aborted || isOfQuery(error)) breaker.abandoned();
      else breaker.failed(error instanceof EmbedFault ? error.retryAfterMs : undefined);
      throw error;
    }
  };

  const remember = (query: string, found: QueryVector): void => {
    known.delete(query);
    known.set(query, found);
    for (const oldest of known.keys()) {
      if (known.size <= remembered) return;
      known.delete(oldest);
    }
  };

  const begin = (query: string): Promise<QueryVector> => {
    const asking = embed(query).finally(() => asked.delete(query));
    // Nobody may be waiting for it any longer.
    asking.catch(() => {});
    asked.set(query, asking);
    return asking;
  };

  return {
    async find(text, withinMs, signal) {
      signal?.throwIfAborted();
      const query = cut(text.trim().normalize("NFC"), longestQuery).toWellFormed();
      if (query === "") return { cold: "refused" };
      const found = known.get(query);
      if (found) {
        remember(query, found);
        return found;
      }
      let asking = asked.get(query);
      if (!asking) {
        if (asked.size >= atOnce) return { cold: "busy" };
        if (ending.signal.aborted || !breaker.admits()) return { cold: "down" };
        asking = begin(query);
      }
      const done = new AbortController();
      const patience = AbortSignal.any(signal ? [done.signal, signal] : [done.signal]);
      try {
        const late = delay(withinMs, { cold: "slow" } as const, { signal: patience });
        return await Promise.race([late, asking]);
      } catch (error) {
        signal?.throwIfAborted();
        return { cold: toCold(error) };
      } finally {
        done.abort();
      }
    },
    stop: () => ending.abort(),
  };
}

const isOfQuery = (error: unknown): boolean => error instanceof EmbedFault && error.reason === "input";

function toCold(error: unknown): Cold {
  if (!(error instanceof EmbedFault)) return "slow";
  if (error.reason === "busy") return "busy";
  if (error.reason === "timeout") return "slow";
  return error.passing ? "down" : "refused";
}
