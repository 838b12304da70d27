import { toTerms } from "./terms.ts";

/** What a question asks for: `terms`, of which any will do, and `phrases`, each of which has to stand in the document word by word. */
export interface Query {
  readonly terms: readonly string[];
  readonly phrases: readonly (readonly string[])[];
}

const mostTerms = 32;
const mostPhrases = 4;

const common = new Set(
  toTerms(
    "a about after all also am an and any are as at be been but by can could did do does for from had has have he her him his how i if in" +
      " into is it its just me my no not of on or our out please shall she should so some tell than that the their them then there these" +
      " they this those to up us was we were what when where which while who whom whose why will with would you your s t re ve ll don",
  ),
);

/**
 * Reads a plain sentence with optional "quoted phrases". There is no syntax to get wrong: every text is a query, and one without a word in
 * it asks for nothing. Words that stand in every English text count only when there are no others.
 */
export function toQuery(text: string): Query {
  const phrases: string[][] = [];
  const bare = text.slice(0, 20_000).replace(/["“„”«»]([^"“„”«»]+)["“„”«»]/g, (_, quoted: string) => {
    const terms = toTerms(quoted);
    if (terms.length > 0 && phrases.length < mostPhrases) phrases.push(terms.slice(0, mostTerms));
    return ` ${quoted} `;
  });
  const all = [...new Set(toTerms(bare))];
  const telling = all.filter((term) => !common.has(term));
  return { terms: (telling.length > 0 ? telling : all).slice(0, mostTerms), phrases };
}
