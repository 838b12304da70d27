import fc from "fast-check";
import { expect, test } from "vitest";
import { toQuery } from "./query.ts";

test("any text is a query", () => {
  const rubbish = fc.string({
    unit: fc.constantFrom(
      '"',
      "*",
      "(",
      ")",
      "path:",
      "tag:",
      "before:",
      "2020",
      ":",
      "^",
      "-",
      "+",
      "a",
      " ",
      "“",
      "\0",
    ),
  });
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), rubbish), (text) => {
      const { phrases, without, filters } = toQuery(text);
      expect(phrases.length).toBeLessThanOrEqual(4);
      expect(without.length + filters.length).toBeLessThanOrEqual(32);
    }),
    { numRuns: 2_000 },
  );
});

test("reads phrases, exclusions and conditions out of a sentence", () => {
  const query = toQuery(
    'how does "the blue door" close -window -"red paint" path:notes/** tag:#Home -source:mail after:2024-05',
  );
  expect(query.text.replace(/\s+/g, " ").trim()).toBe("how does the blue door close");
  expect(query.phrases).toEqual(["the blue door"]);
  expect(query.without).toEqual(["window", "red paint"]);
  expect(query.filters).toEqual([
    { on: "path", value: "notes/**", not: false },
    { on: "tag", value: "home", not: false },
    { on: "source", value: "mail", not: true },
    { on: "time", from: new Date(2024, 4, 1).getTime(), until: Number.POSITIVE_INFINITY, not: false },
  ]);
  expect(toQuery('path:"my notes/a b.md" x').filters).toEqual([{ on: "path", value: "my notes/a b.md", not: false }]);
});

test("what only looks like syntax is words", () => {
  for (const text of [
    "what is path: for",
    "state-of-the-art",
    "2020-2021",
    "before:tomorrow",
    "a - b",
    'an unpaired " quote',
    "https://example.com/a",
  ]) {
    const { text: words, filters, phrases, without } = toQuery(text);
    expect(words).toBe(text);
    expect([filters, phrases, without]).toEqual([[], [], []]);
  }
});
