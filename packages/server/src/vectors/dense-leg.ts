import type { Neighbor, VectorIndex } from "../stores/store.ts";
import type { Embedder } from "./embedder.ts";
import { type Cold, createQueryVectors, type QueryVectorsOptions } from "./query-vectors.ts";

export interface DenseOptions {
  /** How many chunks. */
  readonly k: number;
  /** Which chunks there are for this caller. */
  readonly allows: (chunk: number) => boolean;
  /** Milliseconds for everything, 150 unless told. */
  readonly withinMs?: number;
  /** How much of that may pass until there is the query's vector; all, unless told. */
  readonly queryMs?: number;
  readonly signal?: AbortSignal;
}

/** What is found by meaning, or why search has to do without: `empty` is before anything has been embedded, `failed` when the vectors cannot be read. */
export type DenseResult =
  | { readonly neighbors: readonly Neighbor[]; readonly model: string }
  | { readonly cold: Cold | "empty" | "failed" };

export interface DenseLeg {
  /** The visible chunks nearest to a query. It rejects only with the signal's reason: whatever fails, there are still the words. */
  nearest(query: string, options: DenseOptions): Promise<DenseResult>;
  stop(): void;
}

export interface DenseLegOptions extends Omit<QueryVectorsOptions, "embedder"> {
  readonly embedder: Embedder;
  readonly index: Pick<VectorIndex, "nearest">;
  /** Told when the vectors cannot be read. */
  readonly fault: (message: string, error: unknown) => void;
}

const usualMs = 150;

export function createDenseLeg({ embedder, index, fault, ...options }: DenseLegOptions): DenseLeg {
  const queries = createQueryVectors({ embedder, ...options });
  return {
    async nearest(query, { k, allows, withinMs = usualMs, queryMs = withinMs, signal }) {
      const deadline = performance.now() + withinMs;
      const found = await queries.find(query, queryMs, signal);
      if ("cold" in found) return found;
      const late = AbortSignal.timeout(Math.max(1, Math.ceil(deadline - performance.now())));
      try {
        const either = signal ? AbortSignal.any([signal, late]) : late;
        const asking = index.nearest(found.collection, found.vector, { k, allows, signal: either });
        const neighbors = await orAborted(asking, either);
        return neighbors.length === 0 ? { cold: "empty" } : { neighbors, model: embedder.model };
      } catch (error) {
        signal?.throwIfAborted();
        if (late.aborted) return { cold: "slow" };
        fault("The vectors cannot be searched.", error);
        return { cold: "failed" };
      }
    },
    stop: () => queries.stop(),
  };
}

/** Does not wait for an engine that ignores its signal. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason);
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  work.catch(() => {});
  return Promise.race([work, promise]).finally(() => signal.removeEventListener("abort", stop));
}
