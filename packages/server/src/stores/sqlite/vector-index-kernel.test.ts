import fc from "fast-check";
import { expect, test } from "vitest";
import { createDotProducts, createMemory } from "./vector-index-kernel.ts";
import { quantise } from "./vector-index-quantise.ts";

const bytes = (length: number) => fc.int8Array({ min: -127, max: 127, minLength: length, maxLength: length });

test("the dot products are those of plain arithmetic, up to the greatest there can be", () => {
  const world = fc
    .record({ blocks: fc.integer({ min: 1, max: 12 }), count: fc.integer({ min: 0, max: 9 }) })
    .chain(({ blocks, count }) =>
      fc.record({ query: bytes(blocks * 16), codes: bytes(blocks * 16 * count), count: fc.constant(count) }),
    );
  const check = fc.property(world, ({ query, codes, count }) => {
    const width = query.length;
    const memory = createMemory(width + 4 * count + codes.length + 4);
    const [out, at] = [width, width + 4 * count + 4];
    new Int8Array(memory.buffer).set(query);
    new Int8Array(memory.buffer, at).set(codes);
    new Int32Array(memory.buffer, out, count + 1).fill(-7);
    createDotProducts(memory)(0, at, count, width, out);
    const wanted = Array.from({ length: count }, (_, n) =>
      query.reduce((sum, value, place) => sum + value * (codes[n * width + place] ?? 0), 0),
    );
    // Nothing is written beyond.
    expect([...new Int32Array(memory.buffer, out, count + 1)]).toEqual([...wanted, -7]);
  });
  fc.assert(check, {
    examples: [[{ query: new Int8Array(192).fill(127), codes: new Int8Array(192).fill(127), count: 1 }]],
  });
});

test("a quantised vector is within half a step of the vector", () => {
  const vectors = fc.float32Array({
    minLength: 1,
    maxLength: 40,
    noNaN: true,
    noDefaultInfinity: true,
    min: -1,
    max: 1,
  });
  fc.assert(
    fc.property(vectors, (vector) => {
      const { scale, code } = quantise(vector);
      for (const [n, value] of vector.entries()) {
        expect(Math.abs(code[n] ?? -128)).toBeLessThanOrEqual(127);
        expect(Math.abs((code[n] ?? 0) * scale - value)).toBeLessThanOrEqual(scale * 0.5001);
      }
    }),
  );
});
