import type { Stemmer } from "./language.ts";

/** Longest term, in UTF-16 units; longer words are cut, in texts and queries alike. */
const longest = 64;

const special: Readonly<Record<string, string>> = {
  ß: "ss",
  æ: "ae",
  œ: "oe",
  ø: "o",
  ł: "l",
  đ: "d",
  ð: "d",
  þ: "th",
  ı: "i",
};

/** Diacritics of alphabets, the points of Hebrew and Arabic, and Arabic's lengthening stroke. */
const marks = /[\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u0640\u064b-\u065f\u0670]/g;

/** Folds compatibility forms, case and diacritics: what a person would type for it. */
export const fold = (text: string): string =>
  text
    .normalize("NFKC")
    .toLowerCase()
    .normalize("NFD")
    .replace(marks, "")
    .normalize("NFC")
    .replace(/[ßæœøłđðþı]/g, (letter) => special[letter] ?? letter)
    // A compatibility form may unfold into punctuation: ⑴ is (1).
    .replace(/[^\p{L}\p{N}\p{M}]+/gu, "");

const parts = /\p{Lu}+(?!\p{Ll})|\p{Lu}?[\p{Ll}\p{M}]+|[\p{Lo}\p{Lm}\p{Lt}\p{M}]+|\p{N}+|\p{Lu}/gu;
const ascii = /^[a-z]+$/;
const plain = /^[A-Za-z0-9]+$/;

/**
 * The term of one word of a language. In Latin letters diacritics go first, so that a word is found as it is typed without them; other scripts' endings
 * can be told only by them.
 */
export function toTerm(word: string, stem: Stemmer): string {
  if (ascii.test(word)) return stem(word).slice(0, longest);
  // Folding such a word is making its letters small.
  const folded = plain.test(word) ? word.toLowerCase() : fold(word);
  if (ascii.test(folded)) return stem(folded).slice(0, longest);
  return fold(stem(word.normalize("NFKC").toLowerCase())).slice(0, longest);
}

/**
 * The terms of one word: its own, and, if it is an identifier (`maxInFlight`, `max_in_flight`, `fts5`), those of the words that it is made of
 * behind it.
 */
export function toTerms(word: string, stem: Stemmer): readonly string[] {
  const own = toTerm(word.replaceAll("_", ""), stem);
  const found = word.match(parts);
  // A long mixture of letters and digits is a hash or a key, not a name made of words.
  if (found === null || found.length < 2 || found.length > 12) return own === "" ? [] : [own];
  return [own, ...found.map((part) => toTerm(part, stem))].filter((term) => term !== "");
}
