import { CallError } from "@portcullis/contracts";
import type { Bucket } from "../stores/store.ts";
import type { Authorization } from "./authorize.ts";
import type { Parts } from "./parts.ts";

/** Takes a token from the bucket of every scope that matched, or from none: the strictest scope decides. */
export async function limit(parts: Parts, { permit, verdicts }: Authorization): Promise<void> {
  const buckets = new Map<string, Bucket>();
  for (const { obligations } of verdicts) {
    for (const rate of obligations.rates) {
      const key = `${permit.subject} ${permit.tool} ${rate.scope}`;
      buckets.set(key, { key, capacity: rate.burst, perMinute: rate.perMinute });
    }
  }
  if (buckets.size === 0) return;
  const taken = await parts.rates.take([...buckets.values()], parts.now());
  if (taken.granted) return;
  const { bucket, tokensLeft, retryAfterMs } = taken;
  throw new CallError(
    "RATE_LIMITED",
    `${permit.tool} may be called ${bucket.perMinute} times a minute; try again in ${Math.ceil(retryAfterMs / 1_000)} s.`,
    {
      details: { bucket: bucket.key, capacity: bucket.capacity, perMinute: bucket.perMinute, tokensLeft, retryAfterMs },
    },
  );
}
