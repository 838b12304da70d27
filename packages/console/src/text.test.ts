import { expect, test } from "vitest";
import { toFacet, toHistogram, toTone, until, visible } from "./text.ts";

test("what cannot be seen is shown, and what can stays as it is", () => {
  expect(visible("a\u202eb\u0000c\u200b\n<b>")).toBe("a<U+202E>b<U+0000>c<U+200B>\n<b>");
  expect(visible("caf\u00e9 \u4e2d\u6587 \u{1F600}")).toBe("caf\u00e9 \u4e2d\u6587 \u{1F600}");
});

test("a histogram holds every entry once", () => {
  expect(toHistogram([], 4)).toEqual([0, 0, 0, 0]);
  expect(toHistogram([0, 1, 2, 3], 4)).toEqual([1, 1, 1, 1]);
  expect(toHistogram([5, 5, 5], 3)).toEqual([3, 0, 0]);
  expect(toHistogram([0, 100, 100], 2)).toEqual([1, 2]);
});

test("facets are the commonest first, and no more than asked for", () => {
  expect(toFacet(["a", "b", "b", undefined, "c"], 2)).toEqual([
    ["b", 2],
    ["a", 1],
  ]);
});

test("times and outcomes in words", () => {
  expect(["", "x"].map(() => until("2026-01-01T00:00:30Z", Date.parse("2026-01-01T00:00:00Z")))).toEqual([
    "30 s",
    "30 s",
  ]);
  expect(until("2026-01-01T00:00:00Z", Date.parse("2026-01-01T00:00:01Z"))).toBe("over");
  expect(until("2026-01-01T03:00:00Z", Date.parse("2026-01-01T00:00:00Z"))).toBe("3 h");
  expect([toTone("ok"), toTone("PERMISSION_DENIED"), toTone(undefined)]).toEqual(["good", "bad", "plain"]);
});
