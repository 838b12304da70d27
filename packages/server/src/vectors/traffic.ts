import type { BackfillOptions } from "./backfill.ts";
import type { DenseLeg } from "./dense-leg.ts";

/** What is under way at the embedding endpoint, for every thread: how many queries run, and how many batches of documents. */
export type Traffic = Int32Array;

const [queries, batches] = [0, 1];

export const createTraffic = (): Traffic => new Int32Array(new SharedArrayBuffer(8));

/** How embedding makes way for queries, and tells of itself. */
export const makeWay = (traffic: Traffic): Required<Pick<BackfillOptions, "busy" | "working">> => ({
  busy: () => Atomics.load(traffic, queries) > 0,
  working: (change) => void Atomics.add(traffic, batches, change),
});

/** Counts the queries that run. None waits behind a batch of documents: unless its vector is remembered, words alone answer, and say so. */
export const inTraffic = (dense: DenseLeg, traffic: Traffic): DenseLeg => ({
  ...dense,
  async nearest(query, options) {
    const behind = Atomics.load(traffic, batches) > 0;
    Atomics.add(traffic, queries, 1);
    try {
      const found = await dense.nearest(query, behind ? { ...options, queryMs: 0 } : options);
      return behind && "cold" in found && found.cold === "slow" ? { cold: "busy" } : found;
    } finally {
      Atomics.sub(traffic, queries, 1);
    }
  },
});
