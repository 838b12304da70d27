import { type Language, stemmerOf } from "../text/language.ts";
import { fold, toTerms } from "../text/terms.ts";
import { eachWord } from "../text/words.ts";
import type { Group } from "./groups.ts";

/** What one thing asked for is, and how much finding it tells. */
export interface Weighed {
  readonly group: Group;
  readonly rarity: number;
}

/** How many words apart two may be and still count as near. */
const reach = 10;
/** What the query's own order, one right behind the other, counts against any other. */
const inOrder = 1.5;
const share = 0.45;

/**
 * What a passage gains by the words of the query standing near each other: for each two of them the nearest that they come, by the rarer of them.
 * `asked` is in the order of the query.
 */
export function nearness(passage: string, asked: readonly Weighed[], language: Language): number {
  const wanted = new Map<string, number>();
  for (const [at, { group }] of asked.entries())
    for (const term of group.terms) if (!wanted.has(term)) wanted.set(term, at);
  findHits(passage, wanted, language);
  const best = new Float64Array(asked.length * asked.length);
  const { places, asked: which } = hits;
  for (let at = 1; at < hits.count; at++) {
    const one = which[at] as number;
    for (let back = at - 1; back >= 0; back--) {
      const other = which[back] as number;
      const apart = (places[at] as number) - (places[back] as number);
      if (apart > reach) break;
      // Neighbouring pairs of characters overlap: that one follows the other says nothing new.
      if (one === other || apart === 0 || (apart === 1 && asked[one]?.group.gram)) continue;
      const near = (other + 1 === one ? inOrder : 1) / apart;
      const pair = Math.min(one, other) * asked.length + Math.max(one, other);
      if (near > (best[pair] as number)) best[pair] = near;
    }
  }
  let gain = 0;
  for (let one = 0; one < asked.length; one++)
    for (let other = one + 1; other < asked.length; other++)
      gain +=
        (best[one * asked.length + other] as number) * Math.min(asked[one]?.rarity ?? 0, asked[other]?.rarity ?? 0);
  return share * gain;
}

const mostHits = 2_000;
const memos = new Map<Language, Map<string, readonly string[]>>();
const mostRemembered = 20_000;

/** Languages whose stemmers change how a word begins. */
const bending: ReadonlySet<Language> = new Set(["ar", "fi", "hi", "sr", "ta", "tr"]);

/** Of each UTF-16 unit the first one of what it is folded into; 0 until it was asked for, 1 when there is none. */
const folded = new Uint16Array(65_536);
function foldedUnit(unit: number): number {
  let known = folded[unit] as number;
  if (known === 0) {
    known = fold(String.fromCharCode(unit)).charCodeAt(0) || 1;
    folded[unit] = known;
  }
  return known;
}

/** Tells of most words by how they begin that their stem is not wanted: stems begin as their words do, but for an `i` that was a `y`. */
function createSieve(wanted: Iterable<string>): (first: number, second: number) => boolean {
  const pairs = new Uint8Array(32 * 32);
  const firsts = new Set<number>();
  for (const term of wanted) {
    const [first, second] = [term.charCodeAt(0), term.charCodeAt(1)];
    firsts.add(first);
    if (isLatin(first) && isLatin(second)) pairs[(first & 31) * 32 + toSecond(second)] = 1;
    else pairs.fill(1, (first & 31) * 32, (first & 31) * 32 + 32);
  }
  return (unit, second) => {
    const first = foldedUnit(unit);
    if (first === 1) return false;
    if (!isLatin(first)) return !firsts.has(first);
    // What is folded may become two letters: œ is oe.
    const both = unit < 128 && isLatin(second);
    return both ? pairs[(first & 31) * 32 + toSecond(second)] === 0 : !firsts.has(first);
  };
}

const isLatin = (unit: number): boolean => unit >= 97 && unit <= 122;
const toSecond = (unit: number): number => (unit === 121 ? 9 : unit & 31);

/** Where what is asked for stands in a passage: the place, and which it is. Lies here until the next passage is read. */
const hits = { places: new Int32Array(mostHits), asked: new Int32Array(mostHits), count: 0 };

function findHits(passage: string, wanted: ReadonlyMap<string, number>, language: Language): void {
  const stem = stemmerOf(language);
  let memo = memos.get(language);
  if (!memo || memo.size > mostRemembered) {
    memo = new Map();
    memos.set(language, memo);
  }
  const known = memo;
  hits.count = 0;
  let place = 0;
  const hit = (term: string): void => {
    const asked = wanted.get(term);
    if (asked === undefined || hits.count === mostHits) return;
    hits.places[hits.count] = place;
    hits.asked[hits.count++] = asked;
  };
  const sieve = createSieve(wanted.keys());
  const bends = bending.has(language);
  eachWord(passage, {
    // Most words are not worth their stem.
    passes(first, second) {
      if (bends || !sieve(first, second)) return false;
      place++;
      return true;
    },
    word(word) {
      let terms = known.get(word);
      if (!terms) {
        terms = toTerms(word, stem);
        known.set(word, terms);
      }
      for (const term of terms) {
        hit(term);
        place++;
      }
    },
    gram(gram) {
      hit(gram);
      place++;
    },
  });
}
