import fc from "fast-check";
import { expect, test } from "vitest";
import { toGroups } from "./groups.ts";
import { nearness } from "./proximity.ts";

const words: Readonly<Record<string, readonly string[]>> = {
  en: [
    "dying",
    "skies",
    "Yes",
    "early",
    "Running",
    "flies",
    "Generously",
    "x",
    "naïve",
    "fiancé",
    "maxInFlight",
    "fts5",
  ],
  de: ["Häuser", "Straße", "Übungen", "größere", "ÄRZTE", "öffnen", "Vögel", "schönste"],
  fr: ["œuvres", "Élan", "yeux", "garçons", "naïveté", "Événements", "pays"],
  es: ["años", "Ñandú", "canción", "últimas"],
  tr: ["İstanbul", "ağacı", "çiçekler", "ece", "kitaplar"],
  fi: ["ääni", "öisin", "kirjojen", "ffa"],
  sr: ["djeca", "rječnik", "knjige"],
  ru: ["ёлка", "Ёлки", "деревья", "Москве", "яблоко"],
  el: ["Ψυχή", "άνθρωποι", "ώρες"],
  ar: ["الكتاب", "والمدرسة", "كتابات"],
  hi: ["किताबें", "लड़कों"],
  zh: ["检索", "上下文"],
};

const filler = ["and", "Über", "lorem", "ёж", "zzz", "Q7", "yacht"];

test("words that are asked for count wherever they stand near each other, however they are written", () => {
  const asked = fc.constantFrom(...Object.entries(words)).chain(([language, known]) =>
    fc.record({
      language: fc.constant(language),
      pair: fc.uniqueArray(fc.constantFrom(...known), { minLength: 2, maxLength: 2 }),
      before: fc.array(fc.constantFrom(...filler), { maxLength: 5 }),
    }),
  );
  fc.assert(
    fc.property(asked, ({ language, pair, before }) => {
      const groups = toGroups(pair.join(" "), new Set([language])).map((group) => ({ group, rarity: 1 }));
      fc.pre(groups.length > 1);
      const passage = [...before, ...pair].join(" ");
      expect(nearness(passage, groups, language)).toBeGreaterThan(0);
      expect(nearness(before.filter((word) => !pair.includes(word)).join(" "), groups, language)).toBe(0);
    }),
    { numRuns: 2_000 },
  );
});

test("words that nobody asked for take their place all the same", () => {
  const asked = toGroups("walnut gate", new Set(["en"])).map((group) => ({ group, rarity: 1 }));
  const near = nearness("a walnut gate", asked, "en");
  const apart = nearness("a walnut by the Old gate", asked, "en");
  expect(near).toBeGreaterThan(apart);
  expect(apart).toBeGreaterThan(0);
  expect(nearness(`walnut ${"filler ".repeat(11)}gate`, asked, "en")).toBe(0);
});
