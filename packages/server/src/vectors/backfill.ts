import type { ChunkVector, VectorIndex } from "../stores/store.ts";
import { createBackoff } from "./backoff.ts";
import type { ChunkSource, PendingChunk } from "./chunk-source.ts";
import { EmbedFault } from "./embed-fault.ts";
import type { Embedder } from "./embedder.ts";
import { createRate } from "./rate.ts";
import { createWaker } from "./waker.ts";

export interface BackfillOptions {
  readonly embedder: Embedder;
  readonly index: VectorIndex;
  readonly source: ChunkSource;
  /** Whether queries are running, for which this makes way. */
  readonly busy?: () => boolean;
  /** Told when the endpoint begins and ends to embed a batch, so that queries need not stand in line behind it. */
  readonly working?: (change: 1 | -1) => void;
  /** Told once for each kind of failure in a row. */
  readonly fault: (message: string, error: unknown) => void;
  /** Chunks in one request, and requests at once. */
  readonly batch?: number;
  readonly concurrency?: number;
  /** The first wait after a failure, and the longest, in milliseconds. */
  readonly firstWaitMs?: number;
  readonly mostWaitMs?: number;
  /** How often it looks again without being nudged. */
  readonly idleMs?: number;
  /** How long after one search for vanished chunks the next one may be. */
  readonly sweepMs?: number;
  readonly random?: () => number;
}

export interface BackfillProgress {
  /** `waiting` is after a failure. */
  readonly state: "idle" | "embedding" | "waiting" | "stopped";
  readonly model: string;
  /** Undefined until the endpoint has answered for the first time. */
  readonly collection: string | undefined;
  readonly done: number;
  readonly total: number;
  readonly ratePerSecond: number;
  /** Chunks whose text the endpoint does not take; they are found by their words alone. */
  readonly refused: number;
  /** What failed last, until something succeeds; in words that may be shown to the owner. */
  readonly lastError: string | undefined;
}

export interface Backfill {
  start(): void;
  /** Tells that there may be new or vanished chunks. */
  nudge(): void;
  /** Resolves when nothing is pending, or with the next failure. */
  settled(): Promise<void>;
  progress(): BackfillProgress;
  stop(): Promise<void>;
}

const sweepAtOnce = 1_000;
const mostRefused = 10_000;
const mostAskedMs = 15 * 60_000;
/** How long it makes way for queries before it goes on with one step nevertheless, and how often it looks. */
const makeWayMs = 5_000;
const lookMs = 25;

/**
 * Keeps the vectors of one model in step with the chunks: embeds those that have none, and removes those of vanished chunks. What is done is in the index
 * alone, so it goes on after a restart where it stopped. No text is embedded twice while the collection has its vector.
 */
export function createBackfill(options: BackfillOptions): Backfill {
  const { embedder, index, source, busy = () => false, fault, batch = 32, concurrency = 2, idleMs = 60_000 } = options;
  const { working = () => {} } = options;
  const { firstWaitMs = 1_000, mostWaitMs = 60_000, sweepMs = 60_000, random = Math.random } = options;
  const backoff = createBackoff({ firstMs: firstWaitMs, mostMs: mostWaitMs, mostAskedMs, random });
  const stopping = new AbortController();
  const { signal } = stopping;
  const waker = createWaker(signal);
  const rate = createRate();
  const refused = new Map<number, string>();
  let progress: BackfillProgress = {
    state: "idle",
    model: embedder.model,
    collection: undefined,
    done: 0,
    total: 0,
    ratePerSecond: 0,
    refused: 0,
    lastError: undefined,
  };
  let running: Promise<void> | undefined;
  let told: string | undefined;
  let sweepAt = 0;
  let settling: (() => void)[] = [];

  const tell = (change: Partial<BackfillProgress>): void => {
    progress = { ...progress, ...change, refused: refused.size };
  };

  const makeWay = async (): Promise<void> => {
    const end = performance.now() + makeWayMs;
    while (busy() && performance.now() < end) await waker.pause(lookMs);
    signal.throwIfAborted();
  };

  const keep = async (
    collection: string,
    chunks: readonly PendingChunk[],
    vectors: ReadonlyMap<string, Float32Array>,
  ) => {
    const ready: ChunkVector[] = [];
    for (const { chunk, sha256 } of chunks) {
      const vector = vectors.get(sha256);
      if (vector) ready.push({ chunk, sha256, vector });
    }
    if (ready.length === 0) return;
    await index.put(collection, ready);
    rate.count(ready.length);
    backoff.succeeded();
    told = undefined;
    tell({ done: progress.done + ready.length, lastError: undefined });
  };

  const embed = async (texts: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, Float32Array>> => {
    working(1);
    const embedding = embedder.embed([...texts.values()], "document", signal).finally(() => working(-1));
    const vectors = await embedding;
    return new Map([...texts.keys()].flatMap((hash, n) => (vectors[n] ? [[hash, vectors[n]] as const] : [])));
  };

  /** One request; when the endpoint does not take its texts together, each by itself. Those that it does not take at all are left out. */
  const embedEach = async (texts: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, Float32Array>> => {
    try {
      return await embed(texts);
    } catch (error) {
      if (!isOfText(error)) throw error;
      const vectors = new Map<string, Float32Array>();
      if (texts.size > 1) {
        for (const [hash, text] of texts) {
          try {
            for (const found of await embed(new Map([[hash, text]]))) vectors.set(...found);
          } catch (alone) {
            if (!isOfText(alone)) throw alone;
          }
        }
      }
      // An endpoint that takes no text whatever is at fault itself: then this rejects.
      if (vectors.size === 0) await embedder.embed(["a text"], "document", signal);
      return vectors;
    }
  };

  const step = async (collection: string, chunks: readonly PendingChunk[]): Promise<void> => {
    const known = await index.known(collection, [...new Set(chunks.map(({ sha256 }) => sha256))]);
    await keep(collection, chunks, known);
    const open = chunks.filter(({ chunk, sha256 }) => !known.has(sha256) && refused.get(chunk) !== sha256);
    const texts = [...new Map(open.map(({ sha256, text }) => [sha256, text]))];
    const requests: Promise<void>[] = [];
    for (let from = 0; from < texts.length; from += batch) {
      const some = new Map(texts.slice(from, from + batch));
      const of = open.filter(({ sha256 }) => some.has(sha256));
      requests.push(
        embedEach(some).then(async (vectors) => {
          for (const { chunk, sha256 } of of)
            if (!vectors.has(sha256) && refused.size < mostRefused) refused.set(chunk, sha256);
          await keep(collection, of, vectors);
        }),
      );
    }
    // What succeeded is kept, whatever became of the others.
    for (const result of await Promise.allSettled(requests)) if (result.status === "rejected") throw result.reason;
  };

  const sweep = async (collection: string): Promise<void> => {
    for (let after = 0; ; ) {
      const chunks = await index.chunks(collection, after, sweepAtOnce);
      const last = chunks.at(-1);
      if (last === undefined) return;
      after = last;
      const present = await source.present(chunks);
      const vanished = chunks.filter((chunk) => !present.has(chunk));
      if (vanished.length > 0) await index.remove(vanished);
      await makeWay();
    }
  };

  const pass = async (): Promise<void> => {
    tell({ total: await source.count() });
    const collection = await embedder.collection(signal);
    tell({ collection, state: "embedding", done: await index.count(collection) });
    for (let after = 0; ; ) {
      await makeWay();
      const chunks = await source.pending(collection, after, batch * concurrency);
      const last = chunks.at(-1);
      if (!last) break;
      await step(collection, chunks);
      after = last.chunk;
    }
    if (performance.now() >= sweepAt) {
      await sweep(collection);
      sweepAt = performance.now() + sweepMs;
    }
    for (const other of await index.collections()) if (other !== collection) await index.drop(other);
    tell({ state: "idle", done: await index.count(collection), total: await source.count(), lastError: undefined });
    backoff.succeeded();
    told = undefined;
  };

  const fail = (error: unknown): number => {
    const known = error instanceof EmbedFault ? error : undefined;
    const lastError = known?.message ?? "The vectors could not be kept, or the chunks not read.";
    tell({ state: "waiting", lastError });
    if (told !== lastError) fault(lastError, error);
    told = lastError;
    const ms = backoff.failed(known?.retryAfterMs);
    return known && !known.passing ? Math.max(ms, mostWaitMs / 2) : ms;
  };

  const settle = (): void => {
    for (const resolve of settling.splice(0)) resolve();
  };

  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        waker.forget();
        await pass();
        if (!waker.isAwake()) settle();
        await waker.wait(idleMs);
      } catch (error) {
        if (signal.aborted) break;
        const ms = fail(error);
        settle();
        // Nudges do not shorten it: the endpoint asked for rest.
        await waker.pause(ms);
      }
    }
  };

  return {
    start() {
      running ??= run();
    },
    nudge: () => waker.wake(),
    settled() {
      if (!running || signal.aborted) return Promise.resolve();
      waker.wake();
      return new Promise((resolve) => settling.push(resolve));
    },
    progress: () => ({ ...progress, ratePerSecond: rate.perSecond() }),
    async stop() {
      stopping.abort();
      await running;
      tell({ state: "stopped" });
      settle();
      settling = [];
    },
  };
}

const isOfText = (error: unknown): boolean => error instanceof EmbedFault && error.reason === "input";
