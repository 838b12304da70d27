import { type ChunkVector, checkVector, checkVectors, type Neighbor, type VectorIndex } from "../store.ts";

/** Vectors of one process, compared one by one: what other engines are measured against. */
export function createVectorIndex(): VectorIndex {
  const kept = new Map<string, Map<number, ChunkVector>>();
  const dimensions = new Map<string, number>();
  const of = (collection: string): ReadonlyMap<number, ChunkVector> => kept.get(collection) ?? new Map();

  return {
    async put(collection, vectors) {
      checkVectors(vectors, dimensions.get(collection));
      const [first] = vectors;
      if (!first) return;
      dimensions.set(collection, first.vector.length);
      const held = kept.get(collection) ?? new Map<number, ChunkVector>();
      kept.set(collection, held);
      for (const one of vectors) held.set(one.chunk, { ...one, vector: one.vector.slice() });
    },
    async remove(chunks) {
      for (const held of kept.values()) for (const chunk of chunks) held.delete(chunk);
    },
    async nearest(collection, vector, { k, allows = () => true, signal }) {
      const wanted = dimensions.get(collection);
      if (wanted === undefined) return [];
      checkVector(vector, wanted);
      signal?.throwIfAborted();
      const all: Neighbor[] = [];
      for (const { chunk, vector: other } of of(collection).values())
        if (allows(chunk)) all.push({ chunk, similarity: dot(vector, other) });
      return all.sort((a, b) => b.similarity - a.similarity || a.chunk - b.chunk).slice(0, k);
    },
    async missing(collection, chunks) {
      const held = of(collection);
      return chunks.filter((chunk) => !held.has(chunk));
    },
    async known(collection, hashes) {
      const wanted = new Set(hashes);
      const found = new Map<string, Float32Array>();
      for (const { sha256, vector } of of(collection).values())
        if (wanted.has(sha256)) found.set(sha256, vector.slice());
      return found;
    },
    chunks: async (collection, after, limit) =>
      [...of(collection).keys()]
        .filter((chunk) => chunk > after)
        .sort((a, b) => a - b)
        .slice(0, limit),
    count: async (collection) => of(collection).size,
    collections: async () => [...kept.keys()].filter((name) => of(name).size > 0).sort(),
    async drop(collection) {
      kept.delete(collection);
      dimensions.delete(collection);
    },
    async close() {},
  };
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let n = 0; n < a.length; n++) sum += (a[n] ?? 0) * (b[n] ?? 0);
  return sum;
}
