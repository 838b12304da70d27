import { toQuery } from "../search/query.ts";
import { toGroups } from "../search/ranking/groups.ts";
import { type Language, languageOf, stemmerOf } from "../search/text/language.ts";
import { toTerms } from "../search/text/terms.ts";
import { eachWord } from "../search/text/words.ts";
import type { TextRange } from "./terminal-text.ts";

/** Finds the words of a text that a query asks for, in order and apart. `language` is the text's, where it is known. */
export type Highlighter = (text: string, language?: Language) => readonly TextRange[];

/**
 * Words match as they do in the index: folded, without their endings, and a name made of words by any of these. `languages` are those that the answer's
 * documents are in.
 */
export function createHighlighter(query: string, languages: ReadonlySet<Language>): Highlighter {
  const { text: words } = toQuery(query);
  const byLanguages = new Map<string, ReadonlySet<string>>();
  const wantedIn = (language: Language): ReadonlySet<string> => {
    const among = new Set([language, ...languages].filter((each) => each !== ""));
    const key = [...among].sort().join(" ");
    let wanted = byLanguages.get(key);
    if (!wanted) {
      wanted = new Set(toGroups(words, among).flatMap(({ terms }) => terms));
      byLanguages.set(key, wanted);
    }
    return wanted;
  };

  return (text, language = languageOf(text)) => {
    const wanted = wantedIn(language);
    const stem = stemmerOf(language);
    const found: TextRange[] = [];
    const mark = (start: number, end: number): void => {
      const last = found.at(-1);
      if (last && start <= last.end) found[found.length - 1] = { start: last.start, end: Math.max(end, last.end) };
      else found.push({ start, end });
    };
    // The visitor tells words in their order, each as it stands in the text.
    let at = 0;
    eachWord(text, {
      word(word) {
        const start = text.indexOf(word, at);
        at = start + word.length;
        if (toTerms(word, stem).some((term) => wanted.has(term))) mark(start, at);
      },
      gram(gram) {
        const start = text.indexOf(gram, at);
        // The next one overlaps it.
        at = start + 1;
        if (wanted.has(gram)) mark(start, start + gram.length);
      },
    });
    return found;
  };
}

/** The lines to show of a text that has too many: those in a row that hold the most matches, the first of equals. */
export function excerpt(
  lines: readonly TextRange[],
  matches: readonly TextRange[],
  most: number,
): { readonly from: number; readonly until: number } {
  if (lines.length <= most) return { from: 0, until: lines.length };
  const counts = lines.map(() => 0);
  let line = 0;
  for (const { start } of matches) {
    while (line < lines.length - 1 && start >= (lines[line]?.end ?? 0)) line++;
    counts[line] = (counts[line] ?? 0) + 1;
  }
  let [best, from] = [-1, 0];
  let sum = 0;
  for (let end = 0; end < lines.length; end++) {
    sum += counts[end] ?? 0;
    if (end >= most) sum -= counts[end - most] ?? 0;
    if (end >= most - 1 && sum > best) [best, from] = [sum, end - most + 1];
  }
  return { from, until: from + most };
}
