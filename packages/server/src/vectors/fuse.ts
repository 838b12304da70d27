/** One list of what was found, best first; an id stands in it once. */
export interface Ranking<Id> {
  readonly hits: readonly { readonly id: Id; readonly score: number }[];
  readonly weight?: number;
}

export interface Fused<Id> {
  readonly id: Id;
  readonly score: number;
}

/**
 * Weighted sum of scores, each list's brought to between 0 for its last and 1 for its best; what a list lacks gets 0 from it. A list whose scores are all
 * the same gives 1 to each. Unlike ranks, scores tell how far the first is ahead, so a list that is unsure of itself does less harm.
 */
export function fuseScores<Id>(rankings: readonly Ranking<Id>[]): readonly Fused<Id>[] {
  const scores = new Map<Id, number>();
  for (const { hits, weight = 1 } of rankings) {
    const [best, last] = [hits[0]?.score ?? 0, hits.at(-1)?.score ?? 0];
    for (const { id, score } of hits) {
      const share = best > last ? (score - last) / (best - last) : 1;
      scores.set(id, (scores.get(id) ?? 0) + weight * share);
    }
  }
  // A map keeps the order in which ids came, and sorting is stable.
  return [...scores].map(([id, score]) => ({ id, score })).sort((a, b) => b.score - a.score);
}
