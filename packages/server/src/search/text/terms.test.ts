import fc from "fast-check";
import { expect, test } from "vitest";
import { languageOf, stemmedLanguages, stemmerOf } from "./language.ts";
import { fold, toTerms } from "./terms.ts";
import { eachWord } from "./words.ts";

const termsOf = (text: string, language = ""): string[] => {
  const terms: string[] = [];
  eachWord(text, {
    word: (word) => terms.push(...toTerms(word, stemmerOf(language))),
    gram: (gram) => terms.push(gram),
  });
  return terms;
};

test("every letter and digit lies in a word, and no term holds what a word cannot", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.constantFrom("", "en", "de", "ar", "ru"), (text, language) => {
      for (const term of termsOf(text, language)) {
        expect(term).not.toBe("");
        expect(term).not.toMatch(/[^\p{L}\p{N}\p{M}]/u);
      }
      let seen = "";
      eachWord(text, { word: (word) => (seen += word), gram: (gram) => (seen += gram) });
      for (const character of text) if (/[\p{L}\p{N}]/u.test(character)) expect(seen).toContain(character);
    }),
    { numRuns: 2_000 },
  );
});

test("words are found as people type them", () => {
  expect(termsOf("Crème BRÛLÉE, Straße, Łódź, Ａ１")).toEqual(["creme", "brulee", "strasse", "lodz", "a1", "a", "1"]);
  expect(termsOf("maxInFlight max_in_flight HTTPServer fts5")).toEqual([
    ...["maxinflight", "max", "in", "flight"],
    ...["maxinflight", "max", "in", "flight"],
    ...["httpserver", "http", "server"],
    ...["fts5", "fts", "5"],
  ]);
  expect(termsOf("東京都 abc한국")).toEqual(["東京", "京都", "abc", "한국"]);
  expect(termsOf("ภาษาไทย")[0]).toBe("ภาษ");
  expect(fold("ΣΊΣΥΦΟΣ")).toBe(fold("σίσυφος"));
});

test("words lose their endings by the language of their text", () => {
  expect(termsOf("running ponies", "en")).toEqual(termsOf("run pony", "en"));
  expect(termsOf("Häuser", "de")).toEqual(termsOf("Haus", "de"));
  expect(termsOf("столы", "ru")).toEqual(termsOf("стола", "ru"));
  expect(termsOf("crème brûlée", "fr")).toEqual(termsOf("CREME BRULEE", "fr"));
  expect(languageOf("Die Verteidigung der Panther gab nur wenige Punkte ab und führte die Liga an.")).toBe("de");
  expect(languageOf("The quick brown fox jumps over the lazy dog.")).toBe("en");
});

test("hostile text takes linear time", () => {
  const time = (text: string): number => {
    const began = performance.now();
    termsOf(text, "en");
    return performance.now() - began;
  };
  for (const piece of ["aA", "a_", "A", "1a", "漢", "ก", "\u0300", "\ud83d", "ab1_"]) {
    time(piece.repeat(10_000));
    expect(time(piece.repeat(200_000)), piece).toBeLessThan(2_000);
  }
});

test("a stemmer that stumbles leaves the word as it is", () => {
  expect(toTerms("зужен", stemmerOf("bg"))).toEqual(["зужен"]);
  const word = fc.string({ unit: fc.constantFrom(..."абвгдежзийклмнопрстуфхцчшщъыьюяabcdexyzαβγسصض"), minLength: 1 });
  fc.assert(
    fc.property(word, fc.constantFrom(...stemmedLanguages), (text, language) => {
      for (const term of termsOf(text, language)) expect(term).toMatch(/^[\p{L}\p{N}\p{M}]+$/u);
    }),
    { numRuns: 5_000 },
  );
});
