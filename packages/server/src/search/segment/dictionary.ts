import { type Language, stemmerOf } from "../text/language.ts";
import { toTerms } from "../text/terms.ts";
import { createWordTable, type WordTable } from "./word-table.ts";

/** Numbers terms, and remembers which terms a word of a language has. */
export interface Dictionary {
  readonly terms: readonly string[];
  idOf(term: string): number;
  memoOf(language: Language, mark: string): Memo;
}

/** What is remembered of the words of one language, whose terms have `mark` before them. */
export interface Memo {
  termsOf(word: string): Int32Array;
  /** Words of ASCII: twice the number of the one term that they have, or twice the place of their terms in `several` and one. */
  readonly table: WordTable;
  readonly several: Int32Array[];
}

export function createDictionary(): Dictionary {
  const ids = new Map<string, number>();
  const terms: string[] = [];
  const memos = new Map<string, Memo>();

  const idOf = (term: string): number => {
    let id = ids.get(term);
    if (id === undefined) {
      id = terms.length;
      terms.push(term);
      ids.set(term, id);
    }
    return id;
  };

  return {
    terms,
    idOf,
    memoOf(language, mark) {
      const key = mark + language;
      let memo = memos.get(key);
      if (!memo) {
        const stem = stemmerOf(language);
        const words = new Map<string, Int32Array>();
        memo = {
          termsOf(word) {
            let found = words.get(word);
            if (!found) {
              found = Int32Array.from(toTerms(word, stem), (term) => idOf(mark + term));
              words.set(word, found);
            }
            return found;
          },
          table: createWordTable(),
          several: [],
        };
        memos.set(key, memo);
      }
      return memo;
    },
  };
}
