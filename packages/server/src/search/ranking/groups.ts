import { guessLanguages, type Language, stemmerOf, stopWordsOf } from "../text/language.ts";
import { fold, toTerms } from "../text/terms.ts";
import { eachWord } from "../text/words.ts";

/** One thing that a query asks for: the terms that stand for it, one a language, of which any will do. */
export interface Group {
  readonly terms: readonly string[];
  /** The word as folded, for comparing; empty for a part of a name. */
  readonly word: string;
  /** Of a script without spaces: its neighbours overlap. */
  readonly gram: boolean;
  /** What it counts against another; a near word less than the word itself. */
  readonly weight: number;
}

const mostGroups = 32;
/** A language of fewer documents than one in so many is not what the query is in, and has no say in what a word's ending is. */
const rarest = 50;

/** The languages that the visible documents are in, but for strays. */
export function languagesOf({
  languages,
}: {
  readonly languages: ReadonlyMap<Language, number>;
}): ReadonlySet<Language> {
  const known = [...languages].filter(([language, count]) => language !== "" && count > 0);
  const all = known.reduce((sum, [, count]) => sum + count, 0);
  return new Set(known.filter(([, count]) => count * rarest >= all).map(([language]) => language));
}

/** What a text asks for, each thing once. Words that stand in every text of its language count only when there are no others. */
export function toGroups(text: string, languages: ReadonlySet<Language>): readonly Group[] {
  const all = groupsOf(text, languages);
  const [guess] = languages.size > 1 ? guessLanguages(text, languages) : languages;
  const common = new Set(stopWordsOf(guess ?? "").map(fold));
  const telling = all.filter(({ word }) => !common.has(word));
  return (telling.length > 0 ? telling : all).slice(0, mostGroups);
}

function groupsOf(text: string, languages: ReadonlySet<Language>): Group[] {
  const groups = new Map<string, Group>();
  const add = (group: Group): void => {
    const key = group.terms.join(" ");
    if (key !== "" && !groups.has(key)) groups.set(key, group);
  };
  eachWord(text, {
    word(word) {
      for (const [at, terms] of variantsOf(word, languages).entries())
        add({ terms, word: at === 0 ? fold(word) : "", gram: false, weight: 1 });
    },
    gram: (gram) => add({ terms: [gram], word: gram, gram: true, weight: 1 }),
  });
  return [...groups.values()];
}

/** A word's own terms, and those of its parts if it is a name made of words; each in the form of every language. */
function variantsOf(word: string, languages: ReadonlySet<Language>): readonly (readonly string[])[] {
  const each = [...(languages.size > 0 ? languages : [""])].map((language) => toTerms(word, stemmerOf(language)));
  const width = Math.max(...each.map(({ length }) => length));
  return Array.from({ length: width }, (_, at) => [...new Set(each.flatMap((terms) => terms[at] ?? []))]);
}

/** The words of a phrase in order: of a name made of words, these words. */
export function phraseWords(text: string, languages: ReadonlySet<Language>): readonly (readonly string[])[] {
  const words: (readonly string[])[] = [];
  eachWord(text, {
    word(word) {
      const [own, ...parts] = variantsOf(word, languages);
      words.push(...(parts.length > 0 ? parts : own ? [own] : []));
    },
    gram: (gram) => words.push([gram]),
  });
  return words.slice(0, mostGroups);
}
