import type { VectorIndex } from "../stores/store.ts";

/** A chunk's id is a positive integer below 2^53 that is never given to another text. `sha256` (hex) is of the text. */
export interface PendingChunk {
  readonly chunk: number;
  readonly text: string;
  readonly sha256: string;
}

/** What backfilling needs to know of the text index. A chunk may vanish at any time. */
export interface ChunkSource {
  /** Chunks above `after` that have no vector in the collection, rising, at most `limit`; none when there are none. */
  pending(collection: string, after: number, limit: number): Promise<readonly PendingChunk[]>;
  /** Those of the chunks that are there. */
  present(chunks: readonly number[]): Promise<ReadonlySet<number>>;
  /** How many chunks there are. */
  count(): Promise<number>;
}

/** The chunks of a text index, whether they have vectors or not. */
export interface ChunkCatalogue {
  /** Chunks above `after`, rising, at most `limit`. A new chunk is above all that there ever were. */
  ids(after: number, limit: number): Promise<readonly number[]>;
  /** The texts of those that are still there. */
  read(chunks: readonly number[]): Promise<readonly PendingChunk[]>;
  present(chunks: readonly number[]): Promise<ReadonlySet<number>>;
  count(): Promise<number>;
}

const idsAtOnce = 1_000;

/** Asks the vector index which chunks of a catalogue have no vector yet. What was complete once is not asked again. */
export function createChunkSource(catalogue: ChunkCatalogue, index: Pick<VectorIndex, "missing">): ChunkSource {
  /** Up to where every chunk of a collection had its vector. */
  const complete = new Map<string, number>();
  return {
    present: (chunks) => catalogue.present(chunks),
    count: () => catalogue.count(),
    async pending(collection, after, limit) {
      for (let last = Math.max(after, complete.get(collection) ?? 0); ; ) {
        const ids = await catalogue.ids(last, idsAtOnce);
        const end = ids.at(-1);
        if (end === undefined) return [];
        const missing = await index.missing(collection, ids);
        if (missing.length === 0 && last === (complete.get(collection) ?? 0)) complete.set(collection, end);
        const wanted = missing.slice(0, limit);
        const found = await catalogue.read(wanted);
        if (found.length > 0) return found;
        // Those that are wanted have vanished meanwhile.
        last = missing.length > limit ? (wanted.at(-1) ?? end) : end;
      }
    },
  };
}
