import { distance } from "fastest-levenshtein";
import { fold } from "../text/terms.ts";
import { eachWord } from "../text/words.ts";
import type { Scope } from "./evaluate.ts";
import type { Group } from "./groups.ts";
import { postingsOf } from "./postings.ts";

const mostWords = 8;
const mostNear = 3;
const nearWeight = 0.7;
const shortest = 4;

/** What may have been meant by words that nothing visible has: those of visible documents that are spelled nearly so. */
export function nearWords(scope: Scope, text: string): readonly Group[] {
  const words = new Set<string>();
  eachWord(text, {
    word: (word) => {
      const folded = fold(word);
      if (folded.length >= shortest && words.size < mostWords) words.add(folded);
    },
    gram: () => {},
  });
  if (words.size === 0) return [];
  const found = new Map([...words].map((word) => [word, new Map<string, number>()]));
  for (const { id } of scope.segments) {
    for (const term of scope.index.vocabulary(id).split("\n")) {
      for (const [word, near] of found) {
        const apart = apartness(word, term);
        if (apart !== undefined) near.set(term, apart);
      }
    }
  }
  return [...found].flatMap(([word, near]) => {
    const terms = [...near]
      .sort(([a, one], [b, other]) => one - other || (a < b ? -1 : 1))
      .filter(([term]) => postingsOf(scope.index, { ...scope, term }).count > 0)
      .slice(0, mostNear)
      .map(([term]) => term);
    return terms.length > 0 ? [{ terms, word, gram: false, weight: nearWeight }] : [];
  });
}

/** The longest ending that a term may have lost. */
const ending = 3;

/** How many letters are different, when so few that one may be meant by the other. A term has lost its ending, so it may be like a beginning too. */
function apartness(word: string, term: string): number | undefined {
  const most = word.length < 8 ? 1 : 2;
  const lost = word.length - term.length;
  if (lost < -most || lost > ending || term.length < shortest - 1) return undefined;
  const whole = Math.abs(lost) <= most ? distance(word, term) : most + 1;
  if (whole <= most) return whole;
  if (lost < 1) return undefined;
  const begun = distance(word.slice(0, term.length), term);
  return begun <= 1 ? begun + lost / 10 : undefined;
}
