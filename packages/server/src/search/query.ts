/** What a question says. Every text is a query: there is no syntax to get wrong. */
export interface Query {
  /** The words to look for, as written, those of the phrases among them. */
  readonly text: string;
  /** Each has to stand in the document word by word. */
  readonly phrases: readonly string[];
  /** None of these words or phrases may stand in it. */
  readonly without: readonly string[];
  readonly filters: readonly Filter[];
}

/** A condition on the document. `not` turns it round. */
export type Filter = { readonly not: boolean } & (
  | { readonly on: "path" | "source" | "tag"; readonly value: string }
  /** `[from, until)` in milliseconds since 1970. */
  | { readonly on: "time"; readonly from: number; readonly until: number }
);

const longest = 20_000;
const mostPhrases = 4;
const mostConditions = 32;

const token =
  /(?<=^|\s)(?<not>-?)(?:(?<on>path|source|tag|before|after):(?:"(?<quoted>[^"]+)"|(?<bare>[^\s"]+))|["“„«](?<phrase>[^"“„”«»]+)["“”»]|(?<word>(?<=-)[\p{L}\p{N}_#@][^\s"]*))(?=\s|$|[,.;?!])/gu;
const quotes = /["“„«]([^"“„”«»]+)["“”»]/g;

/**
 * Reads a plain sentence with, optionally, `"a phrase"`, `-word`, `-"a phrase"`, `path:`, `source:`, `tag:`, `before:` and `after:` (a year, month or day;
 * `after` includes it), each of these also with `-` before it. What does not read as one of these is words.
 */
export function toQuery(text: string): Query {
  const phrases: string[] = [];
  const without: string[] = [];
  const filters: Filter[] = [];
  const quote = (phrase: string): void => {
    if (phrases.length < mostPhrases && /[\p{L}\p{N}]/u.test(phrase)) phrases.push(phrase);
  };
  const rest = text.slice(0, longest).replace(token, (...found) => {
    const [whole] = found as [string];
    const { not, on, quoted, bare, phrase, word } = found.at(-1) as Record<string, string | undefined>;
    if (filters.length + without.length >= mostConditions) return whole;
    if (on !== undefined) {
      const filter = toFilter(on, quoted ?? bare ?? "");
      if (!filter) return whole;
      filters.push({ ...filter, not: not === "-" });
      return " ";
    }
    if (not === "-") {
      without.push(phrase ?? word ?? "");
      return " ";
    }
    if (phrase === undefined) return whole;
    quote(phrase);
    return ` ${phrase} `;
  });
  const words = rest.replace(quotes, (_, phrase: string) => {
    quote(phrase);
    return ` ${phrase} `;
  });
  return { text: words, phrases, without, filters };
}

type Condition = Filter extends infer F ? (F extends Filter ? Omit<F, "not"> : never) : never;

function toFilter(on: string, value: string): Condition | undefined {
  if (on === "path" || on === "source") return { on, value };
  if (on === "tag") return { on, value: value.replace(/^#/, "").toLowerCase() };
  const span = toSpan(value);
  if (!span) return undefined;
  return on === "before"
    ? { on: "time", from: Number.NEGATIVE_INFINITY, until: span.from }
    : { on: "time", from: span.from, until: Number.POSITIVE_INFINITY };
}

/** A year, month or day in local time. */
function toSpan(value: string): { readonly from: number } | undefined {
  const found = /^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?$/.exec(value);
  if (!found) return undefined;
  const [year, month, day] = [Number(found[1]), Number(found[2] ?? 1), Number(found[3] ?? 1)];
  const date = new Date(year, month - 1, day);
  const real = date.getFullYear() === year && date.getMonth() === month - 1 && date.getDate() === day;
  return real ? { from: date.getTime() } : undefined;
}
