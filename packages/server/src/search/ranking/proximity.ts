import { type Language, stemmerOf } from "../text/language.ts";
import { toTerms } from "../text/terms.ts";
import { eachWord } from "../text/words.ts";
import type { Group } from "./groups.ts";

/** What one thing asked for is, and how much finding it tells. */
export interface Weighed {
  readonly group: Group;
  readonly rarity: number;
}

/** How many words apart two may be and still count as near. */
const reach = 8;
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
  const hits = hitsOf(passage, wanted, language);
  const best = new Float64Array(asked.length * asked.length);
  for (let at = 1; at < hits.length; at++) {
    const { place, asked: one } = hits[at] as Hit;
    for (let back = at - 1; back >= 0; back--) {
      const { place: before, asked: other } = hits[back] as Hit;
      const apart = place - before;
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

interface Hit {
  readonly place: number;
  readonly asked: number;
}

const mostHits = 2_000;
const memos = new Map<Language, Map<string, readonly string[]>>();
const mostRemembered = 20_000;

/** Languages whose stemmers change how a word begins. */
const bending: ReadonlySet<Language> = new Set(["fi", "sr", "tr"]);

/** Which pairs of letters a word may begin with whose stem is wanted: stems begin as their words do, but for an `i` that was a `y`. */
function beginnings(wanted: Iterable<string>): Uint8Array {
  const pairs = new Uint8Array(32 * 32);
  for (const term of wanted) {
    const first = term.charCodeAt(0) & 31;
    if (term.length === 1) pairs.fill(1, first * 32, first * 32 + 32);
    else pairs[first * 32 + toSecond(term.charCodeAt(1))] = 1;
  }
  return pairs;
}

const toSecond = (unit: number): number => (unit === 121 ? 9 : unit & 31);

function hitsOf(passage: string, wanted: ReadonlyMap<string, number>, language: Language): readonly Hit[] {
  const stem = stemmerOf(language);
  let memo = memos.get(language);
  if (!memo || memo.size > mostRemembered) {
    memo = new Map();
    memos.set(language, memo);
  }
  const known = memo;
  const hits: Hit[] = [];
  let place = 0;
  const hit = (term: string): void => {
    const asked = wanted.get(term);
    if (asked !== undefined && hits.length < mostHits) hits.push({ place, asked });
  };
  const pairs = beginnings(wanted.keys());
  const bends = bending.has(language);
  eachWord(passage, {
    // Most words are not worth their stem.
    passes(first, second) {
      if (bends || pairs[(first & 31) * 32 + toSecond(second)] === 1) return false;
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
  return hits;
}
