import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRateCounter } from "../../../packages/server/src/stores/memory/rate-counter.ts";
import { openState } from "../../../packages/server/src/stores/sqlite/open-state.ts";
import type { Bucket } from "../../../packages/server/src/stores/store.ts";
import { atEnd, enginesOf, makeFolder } from "./engines.ts";

const bucket = (key: string, capacity: number, perMinute: number): Bucket => ({ key, capacity, perMinute });

const countGranted = async (takes: readonly Promise<{ readonly granted: boolean }>[]): Promise<number> =>
  (await Promise.all(takes)).filter(({ granted }) => granted).length;

/**
 * The buckets in another form, with whole numbers alone: each keeps the moment at which it would be full (in 1/perMinute ms), and grants
 * while that lies less than a bucket ahead.
 */
function createReference() {
  const fullAt = new Map<string, bigint>();
  const after = ({ key, perMinute }: Bucket, now: number): bigint => {
    const scaled = BigInt(now) * BigInt(perMinute);
    const kept = fullAt.get(key) ?? 0n;
    return (kept > scaled ? kept : scaled) + 60_000n;
  };
  const grants = (buckets: readonly Bucket[], now: number): boolean =>
    buckets.every((one) => after(one, now) - BigInt(now) * BigInt(one.perMinute) <= BigInt(one.capacity) * 60_000n);
  const take = (buckets: readonly Bucket[], now: number): void => {
    for (const one of buckets) fullAt.set(one.key, after(one, now));
  };
  return { grants, take };
}

const shape = fc.record({ capacity: fc.integer({ min: 1, max: 6 }), perMinute: fc.integer({ min: 1, max: 600 }) });
const step = fc.record({
  wait: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 0, max: 100_000 })),
  which: fc.uniqueArray(fc.nat(2), { minLength: 1, maxLength: 3 }),
});

describe.each(enginesOf("rates"))("the rate counter on $engine", ({ open: rates }) => {
  test("of 64 parallel takes from a bucket of ten exactly ten are granted", async () => {
    const counter = await rates();
    const takes = Array.from({ length: 64 }, () => counter.take([bucket("a", 10, 60)], 1_000));
    expect(await countGranted(takes)).toBe(10);
  });

  test("takes from all buckets or from none", async () => {
    const counter = await rates();
    const [wide, narrow] = [bucket("wide", 3, 1), bucket("narrow", 1, 1)];
    expect(await counter.take([wide, narrow], 0)).toEqual({ granted: true });
    for (let n = 0; n < 5; n++)
      expect(await counter.take([wide, narrow], 0)).toMatchObject({ granted: false, bucket: narrow });
    expect(await countGranted(Array.from({ length: 5 }, () => counter.take([wide], 0)))).toBe(2);
  });

  test("tells the bucket that keeps the caller waiting longest, and for how long", async () => {
    const counter = await rates();
    const [fast, slow] = [bucket("fast", 1, 60), bucket("slow", 1, 2)];
    await counter.take([fast, slow], 0);
    expect(await counter.take([fast, slow], 400)).toEqual({
      granted: false,
      bucket: slow,
      tokensLeft: 0,
      retryAfterMs: 29_600,
    });
  });

  test("over an hour of steady asking it grants its rate and one burst, to the token", async () => {
    const counter = await rates();
    let granted = 0;
    for (let now = 0; now <= 3_600_000; now += 450)
      granted += Number((await counter.take([bucket("a", 30, 60)], now)).granted);
    expect(granted).toBe(3_630);
  });

  test("a bucket that can never grant says so with a finite number", async () => {
    const counter = await rates();
    for (const one of [bucket("none", 0, 60), bucket("still", 1, 0)]) {
      await counter.take([one], 0);
      expect(await counter.take([one], 1e12)).toMatchObject({ granted: false, retryAfterMs: Number.MAX_SAFE_INTEGER });
    }
  });

  test("a clock that goes back refills nothing and blocks nobody for longer than a refill", async () => {
    const counter = await rates();
    const one = bucket("a", 2, 60);
    await counter.take([one], 86_400_000);
    expect(await counter.take([one], 0)).toEqual({ granted: true });
    expect(await counter.take([one], 0)).toMatchObject({ granted: false, retryAfterMs: 1_000 });
    expect(await counter.take([one], 1_000)).toEqual({ granted: true });
  });

  test("decides as a simple reference does, and its retryAfterMs is true to the millisecond", async () => {
    const runs = fc.asyncProperty(
      fc.tuple(shape, shape, shape),
      fc.array(step, { maxLength: 60 }),
      async (shapes, steps) => {
        const counter = await rates();
        const reference = createReference();
        let now = 1_000_000;
        for (const { wait, which } of steps) {
          now += wait;
          const buckets = which.map((n) => ({ key: `bucket-${n}`, ...(shapes[n] ?? { capacity: 1, perMinute: 1 }) }));
          const result = await counter.take(buckets, now);
          expect(result.granted).toBe(reference.grants(buckets, now));
          if (result.granted) reference.take(buckets, now);
          else {
            expect(reference.grants(buckets, now + result.retryAfterMs)).toBe(true);
            expect(reference.grants(buckets, now + result.retryAfterMs - 1)).toBe(false);
          }
        }
      },
    );
    await fc.assert(runs, { numRuns: 60 });
  });
});

test("processes on one data folder share a bucket exactly", async () => {
  const folder = makeFolder();
  const [one, other] = [openState(folder), openState(folder)];
  for (const state of [one, other]) atEnd(() => state.close());
  const takes = Array.from({ length: 64 }, (_, n) => (n % 2 ? one : other).rates.take([bucket("a", 10, 60)], 0));
  expect(await countGranted(takes)).toBe(10);
});

test("in memory, full buckets make room and others never do", async () => {
  const counter = createRateCounter(2);
  await counter.take([bucket("a", 2, 60)], 0);
  await counter.take([bucket("b", 2, 1)], 0);
  await expect(counter.take([bucket("c", 2, 60)], 999)).rejects.toThrow("2 rate buckets");
  expect(await counter.take([bucket("c", 2, 60)], 1_000)).toEqual({ granted: true });
});
