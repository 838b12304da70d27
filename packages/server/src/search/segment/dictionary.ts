import { type Language, stemmerOf } from "../text/language.ts";
import { toTerms } from "../text/terms.ts";
import { eachWord } from "../text/words.ts";
import { createWordTable, type WordTable } from "./word-table.ts";

/** Numbers terms, and remembers which terms a word of a language has. */
export interface Dictionary {
  readonly terms: readonly string[];
  /** The number of the term that `text` is with `mark` before it. */
  idOf(text: string, mark: string): number;
  memoOf(language: Language, mark: string): Memo;
}

/** What is remembered of the words of one language, whose terms have `mark` before them. */
export interface Memo {
  /** The terms of a run of text, each with how many places the next is behind it: pairs. */
  readTerms(text: string): Int32Array;
  /** Runs by their bytes: twice the number of the one term that they have, or twice their place in `several` and one. */
  readonly table: WordTable;
  readonly several: Int32Array[];
}

export function createDictionary(): Dictionary {
  const terms: string[] = [];
  const memos = new Map<string, Memo>();

  /** Numbers terms that have a mark before them: it is put there only once. */
  const numbering = (mark: string): ((text: string) => number) => {
    const ids = new Map<string, number>();
    return (text) => {
      let id = ids.get(text);
      if (id === undefined) {
        id = terms.length;
        terms.push(mark + text);
        ids.set(text, id);
      }
      return id;
    };
  };
  const numberings = new Map<string, (text: string) => number>();
  const numberingOf = (mark: string): ((text: string) => number) => {
    const known = numberings.get(mark) ?? numbering(mark);
    numberings.set(mark, known);
    return known;
  };

  return {
    terms,
    idOf: (text, mark) => numberingOf(mark)(text),
    memoOf(language, mark) {
      const key = mark + language;
      let memo = memos.get(key);
      if (!memo) {
        const stem = stemmerOf(language);
        const idOf = numberingOf(mark);
        memo = {
          readTerms(text) {
            const pairs: number[] = [];
            eachWord(text, {
              word(word) {
                const found = toTerms(word, stem);
                // A name made of words is found by itself and word by word, as they follow each other.
                for (const [at, term] of found.entries()) pairs.push(idOf(term), at === 0 && found.length > 1 ? 0 : 1);
              },
              gram: (gram) => pairs.push(idOf(gram), 1),
            });
            return Int32Array.from(pairs);
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
