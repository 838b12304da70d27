import { expect, test } from "vitest";
import { linkBoost, titlesBeside } from "./ranking.ts";

test("backlinks add a little, and never more than a tenth", () => {
  const boosts = [0, 1, 2, 10, 1_000, 1e9, Number.POSITIVE_INFINITY].map(linkBoost);
  expect(boosts[0]).toBe(1);
  for (const [at, boost] of boosts.entries()) expect(boost).toBeGreaterThanOrEqual(boosts[at - 1] ?? 1);
  expect(Math.max(...boosts)).toBeLessThan(1.1);
  expect(linkBoost(Number.NaN)).toBe(1);
  expect(linkBoost(-1)).toBe(1);
});

test("aliases and the levels of tags are matched like the title", () => {
  expect(titlesBeside({ title: "Garten", aliases: ["Jardin", "Garten"], tags: ["projekt/garten", "projekt"] })).toEqual(
    ["Jardin", "projekt", "garten"],
  );
});
