/** How good one ranking is, each from 0 to 1. */
export interface Score {
  readonly ndcg: number;
  readonly recall: number;
  /** One divided by the place of the first relevant document. */
  readonly mrr: number;
}

/** Judges the first ten of a ranking against the grades of the relevant documents. A document counts once, where it stands first. */
export function judge(ranking: readonly string[], grades: ReadonlyMap<string, number>): Score {
  const first = [...new Set(ranking)].slice(0, 10).map((id) => grades.get(id) ?? 0);
  const best = [...grades.values()].sort((a, b) => b - a);
  const first10 = gain(best.slice(0, 10));
  const relevant = best.filter((grade) => grade > 0).length;
  const place = first.findIndex((grade) => grade > 0);
  return {
    ndcg: first10 === 0 ? 0 : gain(first) / first10,
    recall: relevant === 0 ? 0 : first.filter((grade) => grade > 0).length / relevant,
    mrr: place < 0 ? 0 : 1 / (place + 1),
  };
}

/** Discounted cumulative gain with exponential grades. */
const gain = (grades: readonly number[]): number =>
  grades.reduce((sum, grade, place) => sum + (2 ** grade - 1) / Math.log2(place + 2), 0);

export function mean(scores: readonly Score[]): Score {
  const of = (what: keyof Score): number => scores.reduce((sum, score) => sum + score[what], 0) / scores.length;
  return { ndcg: of("ndcg"), recall: of("recall"), mrr: of("mrr") };
}
