/** What a UTF-16 unit is to the reader of words. */
const kinds = { gap: 0, lower: 1, word: 2, unspaced: 3, small: 4 } as const;

const unspacedScripts = /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmr}\p{sc=Mymr}ー々]/u;
/** Scripts whose syllables take several letters: three in a row tell more than two. */
const abugida = /[\p{sc=Thai}\p{sc=Lao}\p{sc=Khmr}\p{sc=Mymr}]/u;

const toKind = (character: string): number => {
  if (/[a-z]/.test(character)) return kinds.lower;
  if (!/[\p{L}\p{N}\p{M}_]/u.test(character)) return kinds.gap;
  if (unspacedScripts.test(character)) return kinds.unspaced;
  return /[\p{Ll}\p{M}]/u.test(character) ? kinds.small : kinds.word;
};

const table = new Uint8Array(65_536);
for (let unit = 0; unit < 65_536; unit++) table[unit] = toKind(String.fromCharCode(unit));

const isSpaced = (kind: number): boolean => kind === kinds.lower || kind === kinds.small || kind === kinds.word;

const capitals = new Uint8Array(65_536);
for (let unit = 0; unit < 65_536; unit++) if (/\p{Lu}/u.test(String.fromCharCode(unit))) capitals[unit] = 1;
const isCapital = (unit: number): boolean => capitals[unit] === 1;

const isSurrogate = (unit: number): boolean => (unit & 0xf800) === 0xd800;

/** Receives each word as it stands in the text. `plain` words are of a to z alone. `run` words are neighbours in a script without spaces. */
export interface WordVisitor {
  /** Asked about a word of two or more small letters, the first perhaps a capital, by its first two UTF-16 units; when true, it is not visited. */
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
    if (isSpaced(kind)) {
      const start = at;
      const head = kind;
      let rest = 0;
      for (at++; at < length; at++) {
        kind = table[text.charCodeAt(at)] as number;
        if (!isSpaced(kind)) break;
        rest |= kind;
      }
      const small =
        rest !== 0 && (rest & kinds.word) === 0 && (head !== kinds.word || isCapital(text.charCodeAt(start)));
      if (small && visitor.passes?.(text.charCodeAt(start), text.charCodeAt(start + 1)) === true) continue;
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
