import fc from "fast-check";
import { expect, test } from "vitest";
import { createHighlighter, excerpt } from "./highlight.ts";

const marked = (query: string, text: string, language?: string): readonly string[] =>
  createHighlighter(query, new Set([language ?? "en"]))(text, language).map(({ start, end }) => text.slice(start, end));

test("words match as they do in the index: folded, without endings, in names and in scripts without spaces", () => {
  expect(marked("watering a café", "We watered the Cafe; a WATER can.", "en")).toEqual([
    ...["watered", "Cafe", "WATER"],
  ]);
  expect(marked("Häuser", "Ein Haus, zwei Häuser und ein Hausboot.", "de")).toEqual(["Haus", "Häuser"]);
  expect(marked("flight", "const maxInFlight = max_in_flight;", "en")).toEqual(["maxInFlight", "max_in_flight"]);
  expect(marked("東京都", "京都と東京都", "ja")).toEqual(["京都", "東京都"]);
});

test("conditions, words that are left out and words of every text are not marked", () => {
  expect(marked('the plan path:"water" -evening tag:plants', "the plan: water plants in the evening", "en")).toEqual([
    "plan",
  ]);
  expect(marked('"the end"', "the end of the plan", "en")).toEqual(["end"]);
  expect(marked("xylophone", "the end of the plan", "en")).toEqual([]);
});

test("what is marked lies in the text, in order and apart, whatever the text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.array(fc.string({ unit: "grapheme" })), (text, words) => {
      const query = [...words, text.slice(0, 20)].join(" ");
      let last = -1;
      for (const { start, end } of createHighlighter(query, new Set())(text)) {
        expect(start).toBeGreaterThan(last);
        expect(end).toBeGreaterThan(start);
        expect(text.slice(start, end)).toMatch(/[\p{L}\p{N}\p{M}_]/u);
        last = end;
      }
      expect(last).toBeLessThanOrEqual(text.length);
    }),
  );
});

test("of too many lines those in a row with the most matches are shown", () => {
  const lines = Array.from({ length: 30 }, (_, at) => ({ start: at * 10, end: at * 10 + 9 }));
  const at = (line: number) => ({ start: line * 10 + 2, end: line * 10 + 5 });
  expect(excerpt(lines, [at(3), at(20), at(22)], 8)).toEqual({ from: 15, until: 23 });
  expect(excerpt(lines, [], 8)).toEqual({ from: 0, until: 8 });
  expect(excerpt(lines.slice(0, 5), [at(3)], 8)).toEqual({ from: 0, until: 5 });
});
