import type { Collection } from "./collection.ts";
import type { Found } from "./server.ts";

/** Where the answer of a query stands in its file, in bytes. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

/** How often the passage that a found document came with was the one with the answer. */
export interface SpanShares {
  readonly found: number;
  /** The share of the found whose passage holds the answer's paragraph from its first byte to its last. */
  readonly whole: number;
  /** The share whose passage holds at least half of it. */
  readonly most: number;
}

/**
 * The places of the answers in a collection of long files, by query: `twin` has the same queries upon the paragraphs that the files are made
 * of, and a paragraph is looked for in its file by its exact text.
 */
export function placeAnswers(
  long: Collection,
  twin: Collection,
  fileOf: (id: string) => Buffer,
): ReadonlyMap<string, Place> {
  const paragraphs = new Map(twin.documents.map(({ id, text }) => [id, Buffer.from(text.trim())]));
  const places = new Map<string, Place>();
  for (const { id } of long.queries) {
    const [document] = long.relevant.get(id)?.keys() ?? [];
    const [paragraph] = twin.relevant.get(id)?.keys() ?? [];
    const text = paragraph === undefined ? undefined : paragraphs.get(paragraph);
    if (document === undefined || text === undefined) continue;
    const start = fileOf(document).indexOf(text);
    if (start >= 0) places.set(id, { start, end: start + text.length });
  }
  return places;
}

/** What a result shows of a place: 1 for all of it, 0 for nothing. */
export function shown({ start, end }: Place, found: Found, file: Buffer): number {
  const text = Buffer.from(found.text);
  const from = found.start ?? file.indexOf(text);
  if (from < 0) return 0;
  const until = found.end ?? from + text.length;
  return Math.max(0, Math.min(end, until) - Math.max(start, from)) / (end - start);
}

export const toShares = (shares: readonly number[]): SpanShares => ({
  found: shares.length,
  whole: shares.filter((share) => share === 1).length / shares.length,
  most: shares.filter((share) => share >= 0.5).length / shares.length,
});
