import fc from "fast-check";
import { expect, test } from "vitest";
import { toQuery } from "./query.ts";
import { toTerms } from "./terms.ts";

test("terms hold nothing that a tokenizer could take apart", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      for (const term of toTerms(text)) {
        expect(term).not.toBe("");
        expect(term).not.toMatch(/[^\p{L}\p{N}\p{M}]/u);
        expect(term).toBe(term.toLowerCase());
      }
    }),
    { numRuns: 2_000 },
  );
});

test("any text is a query", () => {
  const rubbish = fc.string({
    unit: fc.constantFrom('"', "*", "(", ")", "AND", "OR", "NEAR", ":", "^", "-", "+", "{", "a", " ", "“", "\0"),
  });
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), rubbish), (text) => {
      const { terms, phrases } = toQuery(text);
      expect(terms.length).toBeLessThanOrEqual(32);
      for (const phrase of phrases) expect(phrase.length).toBeGreaterThan(0);
    }),
    { numRuns: 2_000 },
  );
  expect(toQuery("  \t\n ?!")).toEqual({ terms: [], phrases: [] });
});

test("words are found as people type them", () => {
  expect(toTerms("Crème BRÛLÉE, Straße, Łódź, Ａ１")).toEqual(["creme", "brulee", "strasse", "lodz", "a1", "a", "1"]);
  expect(toTerms("recipes berries glass does")).toEqual(["recipe", "berry", "glass", "does"]);
  expect(toTerms("maxInFlight max_in_flight HTTPServer fts5")).toEqual([
    "maxinflight",
    "max",
    "in",
    "flight",
    "maxinflight",
    "max",
    "in",
    "flight",
    "httpserver",
    "http",
    "server",
    "fts5",
    "fts",
    "5",
  ]);
  expect(toTerms("東京都 abc한국")).toEqual(["東", "東京", "京", "京都", "都", "abc", "한", "한국", "국"]);
});

test("common words count only alone, quoted ones always", () => {
  expect(toQuery("What did we write about the greenhouse?").terms).toEqual(["write", "greenhouse"]);
  expect(toQuery("to be or not to be").terms).toEqual(["to", "be", "or", "not"]);
  expect(toQuery('the "pump of the greenhouse" broke').phrases).toEqual([["pump", "of", "the", "greenhouse"]]);
  expect(toQuery('an unpaired " quote').phrases).toEqual([]);
});
