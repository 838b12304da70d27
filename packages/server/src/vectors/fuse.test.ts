import fc from "fast-check";
import { expect, test } from "vitest";
import { fuseScores } from "./fuse.ts";

const list = (...ids: readonly string[]) => ({ hits: ids.map((id, n) => ({ id, score: 10 - n })) });
const idsOf = (fused: readonly { readonly id: string }[]): string => fused.map(({ id }) => id).join("");

test("what both lists have comes before what one has", () => {
  expect(idsOf(fuseScores([list("a", "b", "c"), list("b", "d")]))).toBe("bacd");
});

test("the scores are those of the formulas", () => {
  expect(
    fuseScores([
      {
        hits: [
          { id: "a", score: 8 },
          { id: "b", score: 5 },
          { id: "c", score: 4 },
        ],
        weight: 0.5,
      },
    ]),
  ).toEqual([
    { id: "a", score: 0.5 },
    { id: "b", score: 0.125 },
    { id: "c", score: 0 },
  ]);
  expect(fuseScores([{ hits: [{ id: "a", score: -3 }] }])).toEqual([{ id: "a", score: 1 }]);
});

const ranking = fc
  .uniqueArray(fc.nat(30), { maxLength: 20 })
  .chain((ids) =>
    fc
      .array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: ids.length, maxLength: ids.length })
      .map((scores) => ({ hits: scores.sort((a, b) => b - a).map((score, n) => ({ id: ids[n] ?? 0, score })) })),
  );

test("fusing keeps every id once, in falling order, and one list as it is", () => {
  fc.assert(
    fc.property(ranking, ranking, (one, other) => {
      const fused = fuseScores([one, other]);
      const ids = new Set([...one.hits, ...other.hits].map(({ id }) => id));
      expect(new Set(fused.map(({ id }) => id))).toEqual(ids);
      expect(fused).toHaveLength(ids.size);
      for (const [n, { score }] of fused.entries())
        expect(score).toBeLessThanOrEqual(fused[n - 1]?.score ?? Number.POSITIVE_INFINITY);
      expect(fuseScores([one]).map(({ id }) => id)).toEqual(one.hits.map(({ id }) => id));
      expect(fuseScores([one, { hits: [] }])).toEqual(fuseScores([one]));
    }),
  );
});
