import type { DenseLeg } from "../vectors/dense-leg.ts";
import { fuseScores } from "../vectors/fuse.ts";
import { fromChunk, toChunk } from "../vectors/passage-chunks.ts";
import type { Ranked } from "./ranking/select.ts";

/** What meaning counts beside words; see docs/decisions/vectors.md. */
const weights = { words: 0.6, meaning: 0.4 } as const;
/** Passages asked for by meaning. */
const nearest = 50;

export interface Blend {
  /** What was found by words, the best first. */
  readonly ranked: readonly Ranked[];
  readonly query: string;
  readonly per: "document" | "passage";
  /** Whether a document may be found at all: visible, and meeting every condition. */
  readonly fits: (document: number) => boolean;
  readonly limit: number;
  readonly signal: AbortSignal;
}

export interface Blended {
  readonly ranked: readonly Ranked[];
  /** Why only words counted. */
  readonly note?: string;
}

const reasons = {
  slow: "the endpoint took too long",
  down: "the endpoint cannot be reached",
  refused: "the endpoint refuses the query",
  busy: "the endpoint is busy",
  empty: "nothing has been embedded yet",
  failed: "the vectors cannot be read",
} as const;

/** Puts what is near in meaning together with what was found by words. Words alone answer when meaning is not to be had in time, and say so. */
export async function blend(dense: DenseLeg, { ranked, query, per, fits, limit, signal }: Blend): Promise<Blended> {
  if (query.trim() === "") return { ranked };
  const allows = (chunk: number): boolean => fits(fromChunk(chunk).document);
  const found = await dense.nearest(query, { k: nearest, allows, signal });
  if ("cold" in found) return { ranked, note: `Searched by words alone: ${reasons[found.cold]}.` };
  const keyOf = ({ document, place }: { document: number; place: number }): number =>
    per === "document" ? document : toChunk(document, place);
  const places = new Map<number, Ranked>();
  const near: { id: number; score: number }[] = [];
  for (const { chunk, similarity } of found.neighbors) {
    const at = { ...fromChunk(chunk), score: similarity };
    if (places.has(keyOf(at))) continue;
    places.set(keyOf(at), at);
    near.push({ id: keyOf(at), score: similarity });
  }
  // The passage that has the words is shown rather than the one that is near.
  for (const each of ranked) places.set(keyOf(each), each);
  const fused = fuseScores([
    { hits: ranked.map((each) => ({ id: keyOf(each), score: each.score })), weight: weights.words },
    { hits: near, weight: weights.meaning },
  ]);
  return {
    ranked: fused.slice(0, limit).flatMap(({ id, score }) => {
      const at = places.get(id);
      return at ? [{ ...at, score }] : [];
    }),
  };
}
