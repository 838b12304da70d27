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
 * Reciprocal rank fusion: each list gives `weight / (k + rank)` to what stands in it, whatever its scores are. (Cormack, Clarke and Büttcher,
 * SIGIR 2009, with their k of 60.) Of equals, the one that the earlier list has higher.
 */
export function fuseRanks<Id>(rankings: readonly Ranking<Id>[], k = 60): readonly Fused<Id>[] {
  return sum(rankings, (_, rank) => 1 / (k + rank + 1));
}

/**
 * Weighted sum of scores, each list's brought to between 0 for its last and 1 for its best; what a list lacks gets 0 from it. A list whose scores are all
 * the same gives 1 to each. Unlike ranks, scores tell how far the first is ahead, so a list that is unsure of itself does less harm.
 */
export function fuseScores<Id>(rankings: readonly Ranking<Id>[]): readonly Fused<Id>[] {
  return sum(rankings, (score, _, { hits }) => {
    const [best, last] = [hits[0]?.score ?? 0, hits.at(-1)?.score ?? 0];
    return best > last ? (score - last) / (best - last) : 1;
  });
}

type Share<Id> = (score: number, rank: number, ranking: Ranking<Id>) => number;

function sum<Id>(rankings: readonly Ranking<Id>[], share: Share<Id>): readonly Fused<Id>[] {
  const scores = new Map<Id, number>();
  for (const ranking of rankings)
    for (const [rank, { id, score }] of ranking.hits.entries())
      scores.set(id, (scores.get(id) ?? 0) + (ranking.weight ?? 1) * share(score, rank, ranking));
  // A map keeps the order in which ids came, and sorting is stable.
  return [...scores].map(([id, score]) => ({ id, score })).sort((a, b) => b.score - a.score);
}
