import type { Posting } from "../stores/store.ts";

/** Where one term (or phrase) of a query stands; `weight` is 1 for a word. */
export interface TermHits {
  readonly weight: number;
  readonly postings: readonly Posting[];
}

export interface RankedChunk {
  readonly document: number;
  readonly chunk: number;
  readonly score: number;
}

export interface RankedDocument {
  readonly document: number;
  readonly score: number;
  /** Its passages that hold a term, the best first. */
  readonly chunks: readonly RankedChunk[];
}

/** A title's words mostly stand in the text too, where they count once more; a path's seldom do. */
const fieldWeights = { title: 1.2, path: 0.6, text: 1 } as const;
/** BM25's saturation and its normalisation of length, against the length (in terms) of a usual passage. */
const k1 = 1.2;
const b = 0.7;
const usualLength = 200;
/**
 * BM25 wants the number of all documents, which no search knows without asking policy about every one. The documents found, a few times over,
 * stand for it, and at least so many: in a small set of notes rarity tells little, and what counts is how many of the words are found.
 */
const corpus = { factor: 4, least: 1_000 } as const;
/** What the words found elsewhere in a document add to its best passage. */
const elsewhere = 0.25;

/**
 * BM25 over passages, in which a document counts as its best passage, its title and its path. The statistics are of `visible` documents
 * alone: rarity taken over the whole index would let a caller learn from scores and order which words hidden documents hold.
 */
export function rank(terms: readonly TermHits[], visible: ReadonlySet<number>): readonly RankedDocument[] {
  const seen = terms.map(({ weight, postings }) => {
    const shown = postings.filter(({ document }) => visible.has(document));
    return { weight, shown, documents: new Set(shown.map(({ document }) => document)) };
  });
  const matching = new Set(seen.flatMap(({ documents }) => [...documents])).size;
  const total = Math.max(corpus.least, corpus.factor * matching);
  const found = new Map<number, { about: number; anywhere: number; chunks: Map<number, number> }>();
  for (const { weight, shown, documents } of seen) {
    const rarity = weight * Math.log(1 + (total - documents.size + 0.5) / (documents.size + 0.5));
    for (const document of documents) {
      const entry = found.get(document) ?? { about: 0, anywhere: 0, chunks: new Map<number, number>() };
      entry.anywhere += rarity;
      found.set(document, entry);
    }
    for (const { document, chunk, field, count, length } of shown) {
      const entry = found.get(document);
      if (!entry) continue;
      const score =
        (rarity * fieldWeights[field] * count * (k1 + 1)) /
        (count + k1 * (field === "text" ? 1 - b + (b * length) / usualLength : 1));
      // A title's chunk is the first: it is the passage to show when no other holds a word.
      entry.chunks.set(chunk, (entry.chunks.get(chunk) ?? 0) + (field === "text" ? score : 0));
      if (field !== "text") entry.about += score;
    }
  }
  return [...found].map(([document, { about, anywhere, chunks }]) => {
    const around = about + elsewhere * anywhere;
    const ranked = [...chunks]
      .map(([chunk, score]) => ({ document, chunk, score: score + around }))
      .sort((a, b) => b.score - a.score || a.chunk - b.chunk);
    return { document, score: ranked[0]?.score ?? 0, chunks: ranked };
  });
}
