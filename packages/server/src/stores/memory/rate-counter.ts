import type { Bucket, RateCounter } from "../store.ts";

interface Level {
  level: number;
  at: number;
  /** When the bucket will be full, and so like one that was never used. */
  fullAt: number;
}

/** A token in the unit of levels: with it, a millisecond refills `perMinute`, and whole numbers stay whole. */
const token = 60_000;
const never = Number.MAX_SAFE_INTEGER;

/** Buckets of one process. Takes reject rather than be forgotten when `most` buckets are in use at once. */
export function createRateCounter(most = 50_000): RateCounter {
  const kept = new Map<string, Level>();

  const refill = ({ key, capacity, perMinute }: Bucket, now: number): Level => {
    const full = capacity * token;
    const found = kept.get(key);
    if (!found) return { level: full, at: now, fullAt: now };
    // A clock that went back refills nothing.
    const level = Math.min(full, found.level + Math.max(0, now - found.at) * perMinute);
    return { level, at: now, fullAt: found.fullAt };
  };

  const makeRoom = (wanted: number, now: number): void => {
    if (kept.size + wanted <= most) return;
    for (const [key, { fullAt }] of kept) if (fullAt <= now) kept.delete(key);
    if (kept.size + wanted > most) throw new Error(`More than ${most} rate buckets are in use.`);
  };

  return {
    async take(buckets, now) {
      const levels = new Map<Bucket, Level>();
      for (const bucket of new Map(buckets.map((bucket) => [bucket.key, bucket])).values()) {
        levels.set(bucket, refill(bucket, now));
      }
      const [emptiest] = [...levels]
        .filter(([, { level }]) => level < token)
        .map(([bucket, { level }]) => ({ bucket, level, retryAfterMs: waitFor(bucket, level) }))
        .sort((a, b) => b.retryAfterMs - a.retryAfterMs);
      if (emptiest) {
        const { bucket, level, retryAfterMs } = emptiest;
        return { granted: false, bucket, tokensLeft: Math.floor(level / token), retryAfterMs };
      }
      makeRoom(levels.size, now);
      for (const [{ key, capacity, perMinute }, { level }] of levels) {
        const left = level - token;
        kept.set(key, {
          level: left,
          at: now,
          fullAt: perMinute > 0 ? now + (capacity * token - left) / perMinute : never,
        });
      }
      return { granted: true };
    },
  };
}

const waitFor = ({ capacity, perMinute }: Bucket, level: number): number =>
  capacity < 1 || perMinute <= 0 ? never : Math.ceil((token - level) / perMinute);
