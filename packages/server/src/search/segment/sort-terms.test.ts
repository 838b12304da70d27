import fc from "fast-check";
import { expect, test } from "vitest";
import { sortTerms } from "./sort-terms.ts";

test("terms are sorted as strings are", () => {
  const near = fc.string({
    unit: fc.constantFrom("a", "b", "~", "\u007f", "\u0080", "ä", "語", "\ud83d\ude00", " "),
    maxLength: 8,
  });
  fc.assert(
    fc.property(fc.uniqueArray(fc.oneof(near, fc.string())), (terms) => {
      const ids = terms.map((_, id) => id).filter((id) => id % 7 !== 3);
      const sorted = ids.map((id) => terms[id] as string).sort();
      expect(sortTerms(ids, terms).map((id) => terms[id])).toEqual(sorted);
    }),
    { numRuns: 2_000 },
  );
});

test("more terms than a key can number are sorted all the same", () => {
  const terms = Array.from({ length: 300_000 }, (_, id) => `t${(id * 7_919) % 300_000}`);
  const ids = [5, 299_999, 0, 131_072];
  expect(sortTerms(ids, terms).map((id) => terms[id])).toEqual(ids.map((id) => terms[id]).sort());
});
