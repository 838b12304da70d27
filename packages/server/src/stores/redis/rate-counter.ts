import type { RateCounter } from "../store.ts";
import { type Redis, toScript } from "./driver.ts";

/** A token in the unit of levels: with it, a millisecond refills `perMinute`, and whole numbers stay whole. */
const token = 60_000;
const never = Number.MAX_SAFE_INTEGER;

/**
 * Looks at all buckets, then takes from all or from none. Time is Redis's own unless it is told: the clocks of replicas differ, and whoever is ahead
 * would refill what another one empties. A full bucket is like one that was never used, so it is forgotten a while after it is full.
 */
const take = toScript(`
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local levels, worst, longest = {}, 0, -1
for i, key in ipairs(KEYS) do
  local capacity, rate = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local full = capacity * ${token}
  local kept = redis.call('HMGET', key, 'level', 'at')
  local level = full
  if kept[1] then level = math.min(full, tonumber(kept[1]) + math.max(0, now - tonumber(kept[2])) * rate) end
  levels[i] = level
  if level < ${token} then
    local wait = ${never}
    if capacity >= 1 and rate > 0 then wait = math.ceil((${token} - level) / rate) end
    if wait > longest then worst, longest = i, wait end
  end
end
if worst > 0 then return {worst, string.format('%.17g', math.floor(levels[worst] / ${token})), string.format('%.17g', longest)} end
for i, key in ipairs(KEYS) do
  local capacity, rate = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local level = levels[i] - ${token}
  redis.call('HSET', key, 'level', string.format('%.17g', level), 'at', string.format('%.17g', now))
  if rate > 0 then redis.call('PEXPIRE', key, string.format('%.0f', math.min(2592000000, math.ceil((capacity * ${token} - level) / rate) + 60000)))
  else redis.call('PERSIST', key) end
end
return {0}`);

export interface RateCounterOptions {
  /** Whose clock counts; Redis's own, unless a test has to turn it. */
  readonly clock?: "engine" | "caller";
}

/** Buckets shared by every process on one Redis, each take one script. */
export function createRateCounter(redis: Redis, { clock = "engine" }: RateCounterOptions = {}): RateCounter {
  return {
    async take(buckets, now) {
      const wanted = [...new Map(buckets.map((bucket) => [bucket.key, bucket])).values()];
      if (wanted.length === 0) return { granted: true };
      const keys = wanted.map(({ key }) => redis.key("rate", key));
      const facts = wanted.flatMap(({ capacity, perMinute }) => [capacity, perMinute]);
      const [worst, left, wait] = (await redis.run(take, keys, [clock === "caller" ? now : "", ...facts])) as Answer;
      const bucket = wanted[worst - 1];
      if (worst === 0) return { granted: true };
      if (!bucket) throw new Error("Redis answered with a bucket that nobody asked for.");
      return { granted: false, bucket, tokensLeft: Number(left), retryAfterMs: Number(wait) };
    },
  };
}

type Answer = readonly [worst: number, left?: string, wait?: string];
