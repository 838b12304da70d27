import { hash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createVectorIndex } from "../../../packages/server/src/stores/memory/vector-index.ts";
import { VectorFault } from "../../../packages/server/src/stores/store.ts";
import { vectorEngines } from "./vector-index-engines.ts";
import { at, createRandom, point, randomVector } from "./vector-index-points.ts";

for (const { engine, missing } of vectorEngines)
  if (missing !== undefined) console.warn(`The vector index is not tested on ${engine}: ${missing}`);

const largest = Number.MAX_SAFE_INTEGER;
const chunksOf = (neighbors: readonly { readonly chunk: number }[]): readonly number[] =>
  neighbors.map(({ chunk }) => chunk);

describe.each(vectorEngines.filter(({ missing }) => missing === undefined))(
  "the vector index on $engine",
  ({ open, runs }) => {
    test("finds the nearest first, with their cosines, and of equals the smaller chunk", async () => {
      const index = await open();
      await index.put("c", [point(30, at(30)), point(largest, at(90)), point(4, at(-30)), point(1, at(180))]);
      const found = await index.nearest("c", at(0), { k: 3 });
      expect(chunksOf(found)).toEqual([4, 30, largest]);
      expect(found[0]?.similarity).toBeCloseTo(Math.cos(Math.PI / 6), 5);
      expect(found[2]?.similarity).toBeCloseTo(0, 5);
      expect(chunksOf(await index.nearest("c", at(100), { k: 10 }))).toEqual([largest, 30, 1, 4]);
    });

    test("what is put again is replaced, what is removed is not found", async () => {
      const index = await open();
      await index.put("c", [point(1, at(0), "old"), point(2, at(10))]);
      expect(chunksOf(await index.nearest("c", at(0), { k: 1 }))).toEqual([1]);
      await index.put("c", [point(1, at(90), "new")]);
      expect(chunksOf(await index.nearest("c", at(0), { k: 1 }))).toEqual([2]);
      expect(await index.count("c")).toBe(2);
      expect((await index.known("c", [hash("sha256", "old")])).size).toBe(0);
      await index.remove([2, 99]);
      expect(chunksOf(await index.nearest("c", at(0), { k: 5 }))).toEqual([1]);
      await index.put("c", [point(2, at(1))]);
      expect(chunksOf(await index.nearest("c", at(0), { k: 5 }))).toEqual([2, 1]);
    });

    test("of one chunk that is put twice at once the later counts", async () => {
      const index = await open();
      await index.put("c", [point(1, at(90), "first"), point(1, at(0), "second")]);
      expect(await index.count("c")).toBe(1);
      expect((await index.nearest("c", at(0), { k: 1 }))[0]?.similarity).toBeCloseTo(1, 5);
      expect([...(await index.known("c", [hash("sha256", "first"), hash("sha256", "second")])).keys()]).toEqual([
        hash("sha256", "second"),
      ]);
    });

    test("collections know nothing of each other; removing is from all of them", async () => {
      const index = await open();
      await index.put("a", [point(1, at(0)), point(2, at(5))]);
      await index.put("b", [point(1, Float32Array.of(1, 0, 0))]);
      expect(await index.collections()).toEqual(["a", "b"]);
      expect([await index.count("a"), await index.count("b"), await index.count("none")]).toEqual([2, 1, 0]);
      await index.remove([1]);
      expect(await index.missing("a", [1, 2])).toEqual([1]);
      expect(await index.missing("b", [1])).toEqual([1]);
      await index.drop("a");
      await index.drop("none");
      expect(await index.nearest("a", at(0), { k: 1 })).toEqual([]);
      expect(await index.collections()).toEqual([]);
      // The name is free again, for other dimensions too.
      await index.put("a", [point(7, Float32Array.of(0, 1, 0))]);
      expect(chunksOf(await index.nearest("a", Float32Array.of(0, 1, 0), { k: 9 }))).toEqual([7]);
    });

    test("tells which chunks it lacks and has, and the vectors of texts", async () => {
      const index = await open();
      await index.put("c", [point(5, at(5), "five"), point(9, at(9)), point(7, at(7), "five")]);
      expect(await index.missing("c", [9, 8, 5, 1])).toEqual([8, 1]);
      expect(await index.missing("none", [9, 8])).toEqual([9, 8]);
      expect(await index.chunks("c", 0, 2)).toEqual([5, 7]);
      expect(await index.chunks("c", 7, 2)).toEqual([9]);
      expect(await index.chunks("c", 9, 2)).toEqual([]);
      const known = await index.known("c", [hash("sha256", "five"), hash("sha256", "six")]);
      expect([...known.keys()]).toEqual([hash("sha256", "five")]);
      const [vector] = known.values();
      expect([at(5), at(7)].some((one) => vector?.every((value, n) => Math.abs(value - (one[n] ?? 0)) < 1e-6))).toBe(
        true,
      );
    });

    test("refuses what does not fit, and then has nothing of it", async () => {
      const index = await open();
      await index.put("c", [point(1, at(0))]);
      const good = point(2, at(20));
      const bad = [
        point(3, Float32Array.of(1, 0, 0)),
        point(3, Float32Array.of(1, 1)),
        point(3, Float32Array.of(Number.NaN, 1)),
        point(3, Float32Array.of(0, 0)),
        point(0, at(1)),
        point(1.5, at(1)),
        point(2 ** 53, at(1)),
        { ...point(3, at(1)), sha256: "no" },
      ];
      for (const one of bad) await expect(index.put("c", [good, one])).rejects.toThrow(VectorFault);
      await expect(
        index.put(
          "c",
          Array.from({ length: 1_001 }, (_, n) => point(n + 1, at(0))),
        ),
      ).rejects.toThrow(VectorFault);
      await expect(index.nearest("c", Float32Array.of(1, 0, 0), { k: 1 })).rejects.toThrow(VectorFault);
      await expect(index.nearest("c", Float32Array.of(Number.NaN, 0), { k: 1 })).rejects.toThrow(VectorFault);
      expect(await index.count("c")).toBe(1);
      await index.put("c", []);
      expect(await index.collections()).toEqual(["c"]);
    });

    test("keeps what it was given, not the caller's array", async () => {
      const index = await open();
      const vector = at(0);
      await index.put("c", [point(1, vector)]);
      vector.fill(0);
      expect((await index.nearest("c", at(0), { k: 1 }))[0]?.similarity).toBeCloseTo(1, 5);
    });

    test("a signal that has fired ends a search with its reason", async () => {
      const index = await open();
      await index.put("c", [point(1, at(0))]);
      const reason = new Error("enough");
      await expect(index.nearest("c", at(0), { k: 1, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    });

    test("a search among 3,000, of which nine in ten are hidden, finds what an exact one finds", async () => {
      const index = await open();
      const exact = createVectorIndex();
      const random = createRandom(7);
      // Some have all their length in a few places: where numbers are rounded, each needs a scale of its own.
      const peaked = (vector: Float32Array): Float32Array => {
        const cubed = vector.map((value) => value ** 3);
        return cubed.map((value) => value / Math.hypot(...cubed));
      };
      const points = Array.from({ length: 3_000 }, (_, n) => {
        const vector = randomVector(random, 32);
        return point(n + 1, n % 20 < 10 ? vector : peaked(vector));
      });
      for (let from = 0; from < points.length; from += 1_000)
        for (const one of [index, exact]) await one.put("c", points.slice(from, from + 1_000));
      for (const every of [10, 2]) {
        const allows = (chunk: number): boolean => chunk % every === 0;
        const query = randomVector(random, 32);
        const found = chunksOf(await index.nearest("c", query, { k: 20, allows }));
        const wanted = chunksOf(await exact.nearest("c", query, { k: 20, allows }));
        expect(found.filter((chunk) => wanted.includes(chunk)).length).toBeGreaterThanOrEqual(19);
        expect(found.every(allows)).toBe(true);
      }
    });

    test("what is hidden changes nothing: the answer is that of an index without it", async () => {
      const world = fc.record({
        seed: fc.integer(),
        size: fc.integer({ min: 1, max: 120 }),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
        k: fc.integer({ min: 1, max: 30 }),
        removed: fc.nat(20),
      });
      const run = fc.asyncProperty(world, async ({ seed, size, share, k, removed }) => {
        const random = createRandom(seed);
        const query = randomVector(random, 24);
        const points = Array.from({ length: size }, (_, n) => point(3 * n + 1, randomVector(random, 24)));
        // The hidden ones are the nearest of all, so that they would take every place.
        const hidden = points.filter(() => random() < share).map((one) => point(one.chunk + 1, query, "hidden"));
        const [full, bare] = [await open(), await open()];
        await full.put(
          "c",
          [...points, ...hidden].sort(() => random() - 0.5),
        );
        await bare.put("c", points);
        const gone = points.slice(0, removed).map(({ chunk }) => chunk);
        await full.remove(gone);
        await bare.remove(gone);
        const asked: number[] = [];
        const allows = (chunk: number): boolean => {
          asked.push(chunk);
          return chunk % 3 === 1;
        };
        const found = await full.nearest("c", query, { k, allows });
        const wanted = await bare.nearest("c", query, { k });
        expect(chunksOf(found)).toEqual(chunksOf(wanted));
        // An engine may add up in another order.
        for (const [n, { similarity }] of found.entries())
          expect(similarity).toBeCloseTo(wanted[n]?.similarity ?? 2, 5);
        expect(found.length).toBe(Math.min(k, size - Math.min(removed, size)));
      });
      await fc.assert(run, { numRuns: runs, endOnFailure: true });
    }, 120_000);
  },
);
