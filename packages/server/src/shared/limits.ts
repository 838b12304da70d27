import { EngineAway } from "../stores/engine.ts";
import type { Bucket, RateCounter } from "../stores/store.ts";
import type { TurnCounter } from "../stores/turn-counter.ts";

export interface Share {
  /** How many replicas there are at most: each holds itself to this part while it cannot ask what the others have counted. */
  readonly replicas: number;
}

/** How long, in ms, one waits whose part of a limit is nothing. */
const soonMs = 1_000;

/**
 * Limits that all replicas share, and a part of them for each while they cannot. What was granted together is taken from one's own part too, so that
 * nobody gets a second budget by the way.
 */
export function createSharedRates(shared: RateCounter, own: RateCounter, { replicas }: Share): RateCounter {
  const part = ({ key, capacity, perMinute }: Bucket): Bucket => ({
    key,
    capacity: Math.floor(capacity / replicas),
    perMinute: perMinute / replicas,
  });
  return {
    async take(buckets, now) {
      const parts = buckets.map(part);
      try {
        const taken = await shared.take(buckets, now);
        // One bucket after another: an empty part must not keep the others full.
        if (taken.granted) for (const one of parts) await own.take([one], now).catch(() => {});
        return taken;
      } catch (error) {
        if (!(error instanceof EngineAway)) throw error;
        const taken = await own.take(parts, now);
        if (taken.granted) return taken;
        const bucket = buckets.find(({ key }) => key === taken.bucket.key) ?? taken.bucket;
        const retryAfterMs = taken.bucket.capacity < 1 ? soonMs : taken.retryAfterMs;
        return { granted: false, bucket, tokensLeft: taken.tokensLeft, retryAfterMs };
      }
    },
  };
}

/** Turns in the same manner. */
export function createSharedTurns(shared: TurnCounter, own: TurnCounter, { replicas }: Share): TurnCounter {
  return {
    async count(question) {
      const part = {
        ...question,
        calls: Math.floor(question.calls / replicas),
        ceiling: Math.floor(question.ceiling / replicas),
      };
      try {
        const counted = await shared.count(question);
        if (counted.admitted) await own.count(part).catch(() => {});
        return counted;
      } catch (error) {
        if (!(error instanceof EngineAway)) throw error;
        const counted = await own.count(part);
        if (counted.admitted) return counted;
        return { ...counted, retryAfterMs: Math.max(counted.retryAfterMs, soonMs) };
      }
    },
  };
}
