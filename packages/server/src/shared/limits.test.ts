import { expect, test } from "vitest";
import { EngineAway } from "../stores/engine.ts";
import { createRateCounter } from "../stores/memory/rate-counter.ts";
import { createTurnCounter } from "../stores/memory/turn-counter.ts";
import type { RateCounter } from "../stores/store.ts";
import type { TurnCounter } from "../stores/turn-counter.ts";
import { createSharedRates, createSharedTurns } from "./limits.ts";

const away = (): never => {
  throw new EngineAway("Redis", "it is a test");
};
const bucket = { key: "a", capacity: 10, perMinute: 60 };
const question = { grant: "g", turn: "t", calls: 10, ceiling: 20, idle: 30_000, window: 300_000, now: 0 };

/** Rates whose engine can be taken away. */
function openRates(replicas: number) {
  const engine = createRateCounter();
  let isAway = false;
  const shared: RateCounter = { take: async (buckets, now) => (isAway ? away() : engine.take(buckets, now)) };
  return {
    rates: createSharedRates(shared, createRateCounter(), { replicas }),
    turn: (to: "away" | "back") => {
      isAway = to === "away";
    },
  };
}

const granted = async (rates: RateCounter, times: number, now = 0): Promise<number> => {
  const taken = await Promise.all(Array.from({ length: times }, () => rates.take([bucket], now)));
  return taken.filter((one) => one.granted).length;
};

test("a replica that cannot share holds itself to its part, in size and in refill", async () => {
  const { rates, turn } = openRates(3);
  turn("away");
  expect(await granted(rates, 40)).toBe(3);
  // Sixty a minute, shared by three, is one in three seconds.
  expect(await granted(rates, 40, 2_999)).toBe(0);
  expect(await granted(rates, 40, 3_000)).toBe(1);
});

test("what was granted together is gone from one's own part: no second budget by the way", async () => {
  const { rates, turn } = openRates(3);
  expect(await granted(rates, 40)).toBe(10);
  turn("away");
  expect(await granted(rates, 40)).toBe(0);
  turn("back");
  expect(await granted(rates, 40)).toBe(0);
});

test("a part of less than one call is none, and the refusal names the owner's own bucket", async () => {
  const { rates, turn } = openRates(11);
  turn("away");
  expect(await rates.take([bucket], 0)).toEqual({ granted: false, bucket, tokensLeft: 0, retryAfterMs: 1_000 });
});

test("what is no matter of an engine's absence is not hidden", async () => {
  const broken: RateCounter = { take: () => Promise.reject(new Error("a fault of ours")) };
  await expect(createSharedRates(broken, createRateCounter(), { replicas: 2 }).take([bucket], 0)).rejects.toThrow(
    "ours",
  );
});

test("turns and their ceiling fall to a part in the same manner", async () => {
  const engine = createTurnCounter();
  let isAway = false;
  const shared: TurnCounter = { count: async (asked) => (isAway ? away() : engine.count(asked)) };
  const turns = createSharedTurns(shared, createTurnCounter(), { replicas: 4 });
  const admitted = async (times: number, turn = "t"): Promise<number> => {
    const counted = await Promise.all(Array.from({ length: times }, () => turns.count({ ...question, turn })));
    return counted.filter((one) => one.admitted).length;
  };
  expect(await admitted(1)).toBe(1);
  isAway = true;
  // Two of a turn of ten, one of which is used up; five of a ceiling of twenty.
  expect(await admitted(40)).toBe(1);
  expect(await admitted(40, "another")).toBe(2);
  expect(await admitted(40, "a third")).toBe(1);
  isAway = false;
  expect(await admitted(40)).toBe(9);
});
