import type { DatabaseSync } from "node:sqlite";
import type { Bucket, RateCounter, TakeResult } from "../store.ts";
import { transact } from "./database.ts";

export const rateSchema = `
  CREATE TABLE buckets (key TEXT PRIMARY KEY, level REAL NOT NULL, at INTEGER NOT NULL, fullAt REAL NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX buckets_by_end ON buckets (fullAt);`;

interface Row {
  readonly level: number;
  readonly at: number;
}

/** A token in the unit of levels: with it, a millisecond refills `perMinute`, and whole numbers stay whole. */
const token = 60_000;
const never = Number.MAX_SAFE_INTEGER;

/** Buckets shared by every process on one data folder. */
export function createRateCounter(db: DatabaseSync): RateCounter {
  const find = db.prepare("SELECT level, at FROM buckets WHERE key = ?");
  const keep = db.prepare(
    "INSERT INTO buckets VALUES (:key, :level, :at, :fullAt) ON CONFLICT DO UPDATE SET level = :level, at = :at, fullAt = :fullAt",
  );
  // A full bucket is like one that was never used.
  const forget = db.prepare("DELETE FROM buckets WHERE fullAt <= ?");
  let takes = 0;

  const levelOf = ({ key, capacity, perMinute }: Bucket, now: number): number => {
    const row = find.get(key) as Row | undefined;
    if (!row) return capacity * token;
    // A clock that went back refills nothing.
    return Math.min(capacity * token, row.level + Math.max(0, now - row.at) * perMinute);
  };

  const take = (buckets: readonly Bucket[], now: number): TakeResult => {
    let refused: (TakeResult & { readonly granted: false }) | undefined;
    const levels = new Map<Bucket, number>();
    for (const bucket of new Map(buckets.map((bucket) => [bucket.key, bucket])).values()) {
      const level = levelOf(bucket, now);
      levels.set(bucket, level);
      if (level >= token) continue;
      const { capacity, perMinute } = bucket;
      const retryAfterMs = capacity < 1 || perMinute <= 0 ? never : Math.ceil((token - level) / perMinute);
      if (refused && refused.retryAfterMs >= retryAfterMs) continue;
      refused = { granted: false, bucket, tokensLeft: Math.floor(level / token), retryAfterMs };
    }
    if (refused) return refused;
    for (const [{ key, capacity, perMinute }, before] of levels) {
      const level = before - token;
      keep.run({ key, level, at: now, fullAt: perMinute > 0 ? now + (capacity * token - level) / perMinute : never });
    }
    if (++takes % 1_000 === 1) forget.run(now);
    return { granted: true };
  };

  return { take: async (buckets, now) => transact(db, () => take(buckets, now)) };
}
