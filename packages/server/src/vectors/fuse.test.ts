import fc from "fast-check";
import { expect, test } from "vitest";
import { fuseRanks, fuseScores } from "./fuse.ts";

const list = (...ids: readonly string[]) => ({ hits: ids.map((id, n) => ({ id, score: 10 - n })) });
const idsOf = (fused: readonly { readonly id: string }[]): string => fused.map(({ id }) => id).join("");

test("what both lists have comes before what one has", () => {
  expect(idsOf(fuseRanks([list("a", "b", "c"), list("c", "d")]))).toBe("cabd");
  expect(idsOf(fuseScores([list("a", "b", "c"), list("b", "d")]))).toBe("bacd");
});

test("the scores are those of the formulas", () => {
  expect(fuseRanks([list("a", "b"), { ...list("b"), weight: 2 }])).toEqual([
    { id: "b", score: 1 / 62 + 2 / 61 },
    { id: "a", score: 1 / 61 },
  ]);
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

test.each([
  ["ranks", fuseRanks<number>],
  ["scores", fuseScores<number>],
] as const)("fusing by %s keeps every id once, in falling order, and one list as it is", (_, fuse) => {
  fc.assert(
    fc.property(ranking, ranking, (one, other) => {
      const fused = fuse([one, other]);
      const ids = new Set([...one.hits, ...other.hits].map(({ id }) => id));
      expect(new Set(fused.map(({ id }) => id))).toEqual(ids);
      expect(fused).toHaveLength(ids.size);
      for (const [n, { score }] of fused.entries())
        expect(score).toBeLessThanOrEqual(fused[n - 1]?.score ?? Number.POSITIVE_INFINITY);
      expect(fuse([one]).map(({ id }) => id)).toEqual(one.hits.map(({ id }) => id));
      expect(fuse([one, { hits: [] }])).toEqual(fuse([one]));
    }),
  );
});
