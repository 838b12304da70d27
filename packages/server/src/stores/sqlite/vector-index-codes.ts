import { setImmediate as turn } from "node:timers/promises";
import { createDotProducts, createMemory, type DotProducts, pageBytes } from "./vector-index-kernel.ts";
import type { Quantised } from "./vector-index-quantise.ts";

export interface Coded {
  /** Its row, and its chunk. */
  readonly id: number;
  readonly chunk: number;
}

export interface ScanOptions {
  /** How many of the best to give. */
  readonly most: number;
  readonly allows: (chunk: number) => boolean;
  readonly signal: AbortSignal | undefined;
}

/** The quantised vectors of one collection, in memory. */
export interface Codes {
  readonly size: number;
  put(coded: Coded, quantised: Quantised): void;
  remove(chunk: number): void;
  /** Forgets the chunks of rows that are not among these. */
  keep(ids: ReadonlySet<number>): void;
  /** About the nearest, in no order: what is there from beginning to end is compared. Others get their turn every few milliseconds. */
  scan(query: Quantised, options: ScanOptions): Promise<readonly Coded[]>;
}

/** Vectors that are compared in one go, and how long one turn may last. */
const slice = 4_096;
const turnMs = 4;
const vacant = -1;

export function createCodes(dimensions: number): Codes {
  const width = Math.ceil(dimensions / 16) * 16;
  const [scoresAt, codesAt] = [width, width + slice * 4];
  const memory = createMemory(codesAt + 64 * width);
  const dots: DotProducts = createDotProducts(memory);
  let capacity = 64;
  let ids = new Float64Array(capacity);
  let chunks = new Float64Array(capacity);
  let scales = new Float32Array(capacity);
  const places = new Map<number, number>();
  const vacancies: number[] = [];
  /** Places that are or have been taken. */
  let used = 0;

  const grow = (): void => {
    const wanted = Math.min(2 * capacity, capacity + 65_536);
    const pages = Math.ceil((codesAt + wanted * width) / pageBytes) - memory.buffer.byteLength / pageBytes;
    if (pages > 0) memory.grow(pages);
    capacity = wanted;
    ids = widen(ids, new Float64Array(capacity));
    chunks = widen(chunks, new Float64Array(capacity));
    scales = widen(scales, new Float32Array(capacity));
  };

  // Nothing ever moves to another place, so that a scan that gives way to others misses none.
  const remove = (chunk: number): void => {
    const place = places.get(chunk);
    if (place === undefined) return;
    places.delete(chunk);
    chunks[place] = vacant;
    vacancies.push(place);
  };

  return {
    get size() {
      return places.size;
    },
    put({ id, chunk }, { scale, code }) {
      remove(chunk);
      const place = vacancies.pop() ?? used++;
      if (place >= capacity) grow();
      new Int8Array(memory.buffer, codesAt + place * width, width).fill(0).set(code);
      ids[place] = id;
      chunks[place] = chunk;
      scales[place] = scale;
      places.set(chunk, place);
    },
    remove,
    keep(kept) {
      for (const [chunk, place] of [...places]) if (!kept.has(ids[place] ?? 0)) remove(chunk);
    },
    async scan({ code }, { most, allows, signal }) {
      const best = createBest(most);
      let began = performance.now();
      for (let from = 0; from < used; from += slice) {
        if (performance.now() - began > turnMs) {
          await turn();
          began = performance.now();
        }
        signal?.throwIfAborted();
        const count = Math.min(slice, used - from);
        new Int8Array(memory.buffer, 0, width).fill(0).set(code);
        dots(0, codesAt + from * width, count, width, scoresAt);
        const scores = new Int32Array(memory.buffer, scoresAt, count);
        for (let n = 0; n < count; n++) {
          const chunk = chunks[from + n] ?? vacant;
          // Asked of each, near or far: how long it takes tells nothing of those that are hidden.
          if (chunk === vacant || !allows(chunk)) continue;
          best.offer(ids[from + n] ?? 0, chunk, (scores[n] ?? 0) * (scales[from + n] ?? 0));
        }
      }
      return best.taken();
    },
  };
}

function widen<T extends Float64Array | Float32Array>(old: T, wide: T): T {
  wide.set(old);
  return wide;
}

/** Keeps the `most` greatest; of equals the smaller chunk. */
function createBest(most: number) {
  let kept: (Coded & { readonly score: number })[] = [];
  let least = Number.NEGATIVE_INFINITY;
  const trim = (): void => {
    kept.sort((a, b) => b.score - a.score || a.chunk - b.chunk);
    kept = kept.slice(0, most);
    if (kept.length === most) least = kept.at(-1)?.score ?? least;
  };
  return {
    offer(id: number, chunk: number, score: number): void {
      if (score < least) return;
      kept.push({ id, chunk, score });
      if (kept.length >= 4 * most) trim();
    },
    taken(): readonly Coded[] {
      trim();
      return kept;
    },
  };
}
