import type { KeptSegment, TextIndex } from "../../stores/store.ts";
import type { Query } from "../query.ts";
import { aboutMark } from "../segment/builder.ts";
import { type Group, languagesOf, phraseWords, toGroups } from "./groups.ts";
import { phraseOf } from "./phrase.ts";
import { postingsOf, storedCount, type TermPostings } from "./postings.ts";
import type { Weighed } from "./proximity.ts";
import { countOf, type Found, rarity } from "./score.ts";
import type { Visible } from "./visible.ts";

/** What a query has found, before anything is ranked. */
export interface Evaluation {
  readonly found: readonly Found[];
  /** In the order of the query. */
  readonly asked: readonly Weighed[];
  /** Whether a document has every phrase and nothing that was excluded. */
  fits(document: number): boolean;
}

export interface Scope {
  readonly index: TextIndex;
  readonly segments: readonly KeptSegment[];
  readonly visible: Visible;
}

/** A word in more passages than both tells nothing that rarer words do not, and costs the most. */
const common = { share: 0.2, passages: 20_000 } as const;
const phraseWeight = 2;

/** Looks up what a query asks for among the visible documents. `near` stands for words that nothing has. */
export function evaluate(scope: Scope, query: Query, near: readonly Group[] = []): Evaluation {
  const languages = languagesOf(scope.visible);
  const groups = [...toGroups(query.text, languages), ...near];
  const kept = withoutCommon(scope, groups);
  const found = groups.map((group) => lookUpGroup(scope, group, kept.has(group)));
  const { visible } = scope;
  const asked = groups.map((group, at) => {
    const { text } = found[at] as Found;
    return { group, rarity: kept.has(group) ? rarity(countOf(text), visible.passages) : 0 };
  });
  const phrases = query.phrases.map((phrase) => lookUpPhrase(scope, phraseWords(phrase, languages)));
  const wanted = phrases.map(documentsOf);
  const unwanted = query.without.map((phrase) => documentsOf(lookUpPhrase(scope, phraseWords(phrase, languages))));
  return {
    found: [...found, ...phrases],
    asked,
    fits: (document) =>
      wanted.every((documents) => documents.has(document)) && !unwanted.some((documents) => documents.has(document)),
  };
}

/** The groups that are worth looking up in texts: all, as long as not at least two are rarer than the common ones. */
function withoutCommon({ index, segments, visible }: Scope, groups: readonly Group[]): ReadonlySet<Group> {
  const limit = Math.max(common.share * visible.passages, common.passages);
  if (visible.passages <= limit) return new Set(groups);
  const isCommon = (group: Group): boolean => {
    const most = group.terms.reduce((sum, term) => sum + storedCount(index, segments, term), 0);
    // Only the visible may decide; what is rare among all is rare among them.
    return most > limit && countOf(group.terms.map((term) => postingsOf(index, { segments, term, visible }))) > limit;
  };
  const rare = groups.filter((group) => !isCommon(group));
  return new Set(rare.length >= 2 ? rare : groups);
}

const nowhere: TermPostings = { count: 0, parts: [] };

function lookUpGroup({ index, segments, visible }: Scope, { terms, weight }: Group, inText: boolean): Found {
  const look = (term: string): TermPostings => postingsOf(index, { segments, term, visible });
  return {
    weight,
    text: inText ? terms.map(look) : [nowhere],
    about: terms.map((term) => look(aboutMark + term)),
  };
}

function lookUpPhrase({ index, segments, visible }: Scope, words: readonly (readonly string[])[]): Found {
  const marked = words.map((terms) => terms.map((term) => aboutMark + term));
  const text = phraseOf(index, { segments, words, visible });
  return { weight: phraseWeight, text: [text], about: [phraseOf(index, { segments, words: marked, visible })] };
}

function documentsOf({ text, about }: Found): ReadonlySet<number> {
  const documents = new Set<number>();
  for (const { parts } of [...text, ...about])
    for (const { segment, passages, count } of parts)
      for (let at = 0; at < count; at++) documents.add(segment.documents[passages[at] as number] as number);
  return documents;
}
