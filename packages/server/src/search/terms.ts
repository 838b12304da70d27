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

/** Folds compatibility forms, case and the diacritics of alphabets: what a person would type for it. */
const fold = (text: string): string =>
  text
    .normalize("NFKC")
    .toLowerCase()
    .normalize("NFD")
    .replace(/[\u0300-\u036f]/g, "")
    .normalize("NFC")
    .replace(/[ßæœøłđðþı]/g, (letter) => special[letter] ?? letter)
    // A compatibility form may unfold into punctuation: ⑴ is (1).
    .replace(/[^\p{L}\p{N}\p{M}]+/gu, "");

const words = /[\p{L}\p{N}\p{M}_]+/gu;
// Written without spaces between words.
const unspaced = /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmr}\p{sc=Mymr}ー々]+/gu;
const parts = /\p{Lu}+(?!\p{Ll})|\p{Lu}?[\p{Ll}\p{M}]+|[\p{Lo}\p{Lm}\p{Lt}\p{M}]+|\p{N}+|\p{Lu}/gu;

/**
 * The terms of a text in its order. Words are folded and an English plural loses its ending. An identifier (`maxInFlight`, `max_in_flight`,
 * `fts5`) gives the whole and its parts. Scripts without spaces give each character and each pair of neighbours.
 */
export function toTerms(text: string): string[] {
  const terms: string[] = [];
  for (const [word] of text.matchAll(words)) {
    let rest = 0;
    for (const run of word.matchAll(unspaced)) {
      addWord(word.slice(rest, run.index), terms);
      addRun(fold(run[0]), terms);
      rest = run.index + run[0].length;
    }
    addWord(rest === 0 ? word : word.slice(rest), terms);
  }
  return terms;
}

const plain = /^[a-z]+$/;

function addWord(word: string, terms: string[]): void {
  if (plain.test(word)) return void terms.push(toStem(word).slice(0, longest));
  const found = word.match(parts);
  if (found === null) {
    const folded = fold(word);
    if (folded !== "") terms.push(folded.slice(0, longest));
    return;
  }
  const whole = fold(word);
  if (whole !== "") terms.push(toStem(whole).slice(0, longest));
  // A long mixture of letters and digits is a hash or a key, not a name made of words.
  if (found.length < 2 || found.length > 12) return;
  for (const part of found) {
    const folded = toStem(fold(part)).slice(0, longest);
    if (folded !== "") terms.push(folded);
  }
}

function addRun(run: string, terms: string[]): void {
  let previous = "";
  for (const character of run) {
    if (previous !== "") terms.push(previous + character);
    terms.push(character);
    previous = character;
  }
}

/** Harman's S-stemmer: plurals and no more, so that no two words that a reader tells apart become one. */
function toStem(word: string): string {
  if (word.length < 4 || !word.endsWith("s") || !plain.test(word)) return word;
  if (word.endsWith("ies")) return /[ea]ies$/.test(word) ? word : `${word.slice(0, -3)}y`;
  if (/(?:[us]s|[aeo]es)$/.test(word)) return word;
  return word.slice(0, -1);
}
