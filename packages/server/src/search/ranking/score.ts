import type { KeptSegment } from "../../stores/store.ts";
import type { TermPostings } from "./postings.ts";
import type { Visible } from "./visible.ts";

/** BM25's saturation and its normalisation of length; measured on the collections of `bench/search`. */
const text = { k1: 0.7, b: 0.8 } as const;
const about = { k1: 1.2, b: 0.5 } as const;

/** One thing asked for, with where it stands in texts and in the names of documents. */
export interface Found {
  readonly weight: number;
  /** One a term. */
  readonly text: readonly TermPostings[];
  readonly about: readonly TermPostings[];
}

/** How much finding something tells: the rarer, the more. */
export const rarity = (count: number, all: number): number =>
  Math.log(1 + Math.max(0, all - count + 0.5) / (count + 0.5));

export const countOf = (postings: readonly TermPostings[]): number =>
  postings.reduce((sum, { count }) => sum + count, 0);

/** The scores of passages by what stands in them, a segment at a time; what is in no segment's list scores 0. */
export type PassageScores = ReadonlyMap<KeptSegment, Float32Array>;

/** Room for scores is used again: a query touches a small part of it. */
const spare = new WeakMap<KeptSegment, Float32Array>();

/** Scores passages for as long as `use` runs. */
export function withScores<T>(segments: readonly KeptSegment[], use: (scores: PassageScores) => T): T {
  const scores = new Map<KeptSegment, Float32Array>();
  for (const segment of segments) {
    scores.set(segment, spare.get(segment) ?? new Float32Array(segment.documents.length));
    spare.delete(segment);
  }
  try {
    return use(scores);
  } finally {
    for (const [segment, room] of scores) spare.set(segment, room.fill(0));
  }
}

/** Adds to each passage what the things asked for count in it. */
export function scoreText(scores: PassageScores, found: readonly Found[], visible: Visible): void {
  const usual = visible.words / Math.max(1, visible.passages);
  const norms = Float32Array.from({ length: 1_024 }, (_, words) => text.k1 * (1 - text.b + (text.b * words) / usual));
  for (const { weight, text: postings } of found) {
    const worth = weight * rarity(countOf(postings), visible.passages) * (text.k1 + 1);
    for (const { parts } of postings) {
      for (const { segment, count, passages, times } of parts) {
        const into = scores.get(segment) as Float32Array;
        const { lengths } = segment;
        for (let at = 0; at < count; at++) {
          const passage = passages[at] as number;
          const words = lengths[passage] as number;
          const norm = words < 1_024 ? (norms[words] as number) : text.k1 * (1 - text.b + (text.b * words) / usual);
          const often = times[at] as number;
          into[passage] = (into[passage] as number) + (worth * often) / (often + norm);
        }
      }
    }
  }
}

/** What the names of documents count, by id. */
export function scoreAbout(
  found: readonly Found[],
  visible: Visible,
  aboutOf: (id: number) => number,
): Map<number, number> {
  const usual = visible.about / Math.max(1, visible.documents);
  const scores = new Map<number, number>();
  for (const { weight, about: postings } of found) {
    const all = countOf(postings);
    // What most documents are named tells nothing; in a large index it would cost a lot.
    if (all > Math.max(20_000, visible.documents / 5)) continue;
    const worth = weight * rarity(all, visible.documents) * (about.k1 + 1);
    for (const { parts } of postings) {
      for (const { segment, count, passages, times } of parts) {
        for (let at = 0; at < count; at++) {
          const id = segment.documents[passages[at] as number] as number;
          const often = times[at] as number;
          const norm = about.k1 * (1 - about.b + (about.b * aboutOf(id)) / usual);
          scores.set(id, (scores.get(id) ?? 0) + (worth * often) / (often + norm));
        }
      }
    }
  }
  return scores;
}
