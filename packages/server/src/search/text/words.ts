/** What a UTF-16 unit is to the reader of words. */
const kinds = { gap: 0, lower: 1, word: 2, unspaced: 3, mark: 4 } as const;

const unspacedScripts = /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmr}\p{sc=Mymr}ー々]/u;
/** Scripts whose syllables take several letters: three in a row tell more than two. */
const abugida = /[\p{sc=Thai}\p{sc=Lao}\p{sc=Khmr}\p{sc=Mymr}]/u;

const toKind = (character: string): number => {
  if (/[a-z]/.test(character)) return kinds.lower;
  if (!/[\p{L}\p{N}\p{M}_]/u.test(character)) return kinds.gap;
  return unspacedScripts.test(character) ? kinds.unspaced : kinds.word;
};

const table = new Uint8Array(65_536);
for (let unit = 0; unit < 65_536; unit++) table[unit] = toKind(String.fromCharCode(unit));

const isLetter = (lower: number, unit: number): boolean => unit < 128 && lower >= 97 && lower <= 122;
const isSurrogate = (unit: number): boolean => (unit & 0xf800) === 0xd800;

/** Receives each word as it stands in the text. `plain` words are of a to z alone. `run` words are neighbours in a script without spaces. */
export interface WordVisitor {
  /** Asked about a word of two or more of the letters a to z, the first perhaps a capital, before it is visited; when true, it is not. */
  passes?(first: number, second: number): boolean;
  word(word: string, plain: boolean): void;
  gram(gram: string): void;
}

/** Visits the words of a text in order; a run of a script without spaces is visited as its overlapping pairs (or triples) of characters. */
export function eachWord(text: string, visitor: WordVisitor): void {
  const { length } = text;
  let at = 0;
  while (at < length) {
    let kind = table[text.charCodeAt(at)] as number;
    if (kind === kinds.lower || kind === kinds.word) {
      const start = at;
      const head = kind;
      let rest = 0;
      for (;;) {
        at++;
        kind = at < length ? (table[text.charCodeAt(at)] as number) : kinds.gap;
        if (kind !== kinds.lower && kind !== kinds.word) break;
        rest |= kind;
      }
      // In lower case, if it is a letter from A to Z.
      const first = text.charCodeAt(start) | 32;
      const known = rest === kinds.lower && (head === kinds.lower || isLetter(first, text.charCodeAt(start)));
      if (known && visitor.passes?.(first, text.charCodeAt(start + 1)) === true) continue;
      visitor.word(text.slice(start, at), head === kinds.lower && (rest | kinds.lower) === kinds.lower);
    } else if (kind === kinds.unspaced) {
      const start = at;
      do at++;
      while (at < length && table[text.charCodeAt(at)] === kinds.unspaced);
      grams(text.slice(start, at), visitor);
    } else if (isSurrogate(text.charCodeAt(at))) {
      const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
      if (character.length === 2) {
        const beyond = toKind(character);
        if (beyond === kinds.unspaced) visitor.gram(character);
        else if (beyond !== kinds.gap) visitor.word(character, false);
      }
      at += character.length;
    } else at++;
  }
}

function grams(run: string, visitor: WordVisitor): void {
  const size = abugida.test(run) ? 3 : 2;
  if (run.length <= size) visitor.gram(run);
  else for (let at = 0; at + size <= run.length; at++) visitor.gram(run.slice(at, at + size));
}
