import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createTurnCounter } from "../../../packages/server/src/stores/memory/turn-counter.ts";
import { openState } from "../../../packages/server/src/stores/sqlite/open-state.ts";
import type { TurnQuestion } from "../../../packages/server/src/stores/turn-counter.ts";
import { atEnd, enginesOf, makeFolder } from "./engines.ts";

const ask = (more: Partial<TurnQuestion> = {}): TurnQuestion => ({
  grant: "token",
  turn: "turn",
  calls: 3,
  ceiling: 10,
  idle: 30_000,
  window: 300_000,
  now: 1_000_000,
  ...more,
});

/** Answers from the whole history, without keeping any count. */
function createReference() {
  const history: TurnQuestion[] = [];
  const judge = ({ grant, turn, calls, ceiling, idle, window, now }: TurnQuestion) => {
    const own = history.filter((call) => call.grant === grant);
    let [openedAt, lastAt, count] = [0, 0, 0];
    for (const { now: at } of [...own.filter((call) => call.turn === turn), { now }]) {
      if (count > 0 && (at >= lastAt + idle || at >= openedAt + window)) count = 0;
      if (count === 0) openedAt = at;
      lastAt = at;
      count++;
    }
    const inWindow = own.filter(({ now: at }) => at > now - window).length;
    if (inWindow >= ceiling) return { admitted: false, limit: "ceiling", count: inWindow };
    return count > calls ? { admitted: false, limit: "turn", count: count - 1 } : { admitted: true, count };
  };
  return { judge, admit: (question: TurnQuestion) => void history.push(question) };
}

const step = fc.record({
  wait: fc.oneof(fc.constant(0), fc.nat(50), fc.nat(400)),
  grant: fc.constantFrom("a", "b"),
  turn: fc.constantFrom("x", "y", "z"),
});
const limits = fc.record({
  calls: fc.integer({ min: 1, max: 5 }),
  ceiling: fc.integer({ min: 1, max: 9 }),
  idle: fc.integer({ min: 1, max: 300 }),
  window: fc.integer({ min: 1, max: 600 }),
});

describe.each(enginesOf("turns"))("the turn counter on $engine", ({ open: turns }) => {
  test("of 64 parallel calls with a limit of ten exactly ten are admitted", async () => {
    const counter = await turns();
    const results = await Promise.all(
      Array.from({ length: 64 }, () => counter.count(ask({ calls: 10, ceiling: 100 }))),
    );
    expect(results.flatMap((result) => (result.admitted ? result.count : []))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test("inventing turns buys nothing beyond the ceiling", async () => {
    const counter = await turns();
    const invented = Array.from({ length: 64 }, (_, n) => counter.count(ask({ turn: `turn-${n}` })));
    const results = await Promise.all(invented);
    expect(results.filter(({ admitted }) => admitted)).toHaveLength(10);
    expect(results.at(-1)).toEqual({ admitted: false, limit: "ceiling", count: 10, retryAfterMs: 300_000 });
  });

  test("another grant has its own turns", async () => {
    const counter = await turns();
    for (let n = 0; n < 3; n++) await counter.count(ask());
    expect(await counter.count(ask())).toEqual({ admitted: false, limit: "turn", count: 3, retryAfterMs: 30_000 });
    expect(await counter.count(ask({ grant: "other" }))).toEqual({ admitted: true, count: 1 });
  });

  test("a refused call does not keep the turn open", async () => {
    const counter = await turns();
    for (let n = 0; n < 3; n++) await counter.count(ask());
    for (let late = 5_000; late < 30_000; late += 5_000) {
      expect(await counter.count(ask({ now: 1_000_000 + late }))).toMatchObject({ retryAfterMs: 30_000 - late });
    }
    expect(await counter.count(ask({ now: 1_030_000 }))).toEqual({ admitted: true, count: 1 });
  });

  test("a turn that never pauses ends with its window", async () => {
    const counter = await turns();
    const limit = { calls: 100, ceiling: 1_000 };
    for (let late = 0; late < 300_000; late += 20_000) await counter.count(ask({ ...limit, now: 1_000_000 + late }));
    expect(await counter.count(ask({ ...limit, now: 1_300_000 }))).toEqual({ admitted: true, count: 1 });
  });

  test("a clock that goes back blocks nobody for longer than a window, and opens nothing", async () => {
    const counter = await turns();
    const day = 86_400_000;
    for (let n = 0; n < 10; n++) await counter.count(ask({ turn: `turn-${n}`, now: 1_000_000 + day }));
    expect(await counter.count(ask())).toMatchObject({ admitted: false, limit: "ceiling", retryAfterMs: 300_000 });
    expect(await counter.count(ask({ now: 1_299_999 }))).toMatchObject({ admitted: false, retryAfterMs: 1 });
    expect(await counter.count(ask({ now: 1_300_000 }))).toEqual({ admitted: true, count: 1 });
  });

  test("decides as a simple reference does, and its retryAfterMs is true to the millisecond", async () => {
    const runs = fc.asyncProperty(limits, fc.array(step, { maxLength: 60 }), async (limit, steps) => {
      const counter = await turns();
      const reference = createReference();
      let now = 1_000_000;
      for (const { wait, grant, turn } of steps) {
        now += wait;
        const question = { ...limit, grant, turn, now };
        const result = await counter.count(question);
        expect(result).toMatchObject(reference.judge(question));
        if (result.admitted) reference.admit(question);
        else {
          expect(reference.judge({ ...question, now: now + result.retryAfterMs }).admitted).toBe(true);
          expect(reference.judge({ ...question, now: now + result.retryAfterMs - 1 }).admitted).toBe(false);
        }
      }
    });
    await fc.assert(runs, { numRuns: 80 });
  });
});

test("processes on one data folder share a turn, and a restart forgets none of it", async () => {
  const folder = makeFolder();
  const [one, other] = [openState(folder), openState(folder)];
  const counts = Array.from({ length: 64 }, (_, n) =>
    (n % 2 ? one : other).turns.count(ask({ calls: 10, ceiling: 100 })),
  );
  expect((await Promise.all(counts)).filter(({ admitted }) => admitted)).toHaveLength(10);
  one.close();
  other.close();
  const restarted = openState(folder);
  atEnd(() => restarted.close());
  expect(await restarted.turns.count(ask({ calls: 10, ceiling: 100 }))).toMatchObject({
    admitted: false,
    limit: "turn",
  });
});

test("a database forgets turns and calls that count no more", async () => {
  const folder = makeFolder();
  const state = openState(folder);
  atEnd(() => state.close());
  for (let n = 0; n < 3_000; n++) await state.turns.count(ask({ turn: `${n}`, now: 1_000_000 + n * 40_000 }));
  const db = new DatabaseSync(join(folder, "state.db"), { readOnly: true });
  atEnd(() => db.close());
  for (const table of ["turns", "turnCalls"]) {
    expect(Number(db.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.rows), table).toBeLessThan(100);
  }
});

test("in memory, grants of which nothing counts any more make room and others never do", async () => {
  const counter = createTurnCounter(2);
  await counter.count(ask({ grant: "a" }));
  await counter.count(ask({ grant: "b", now: 1_100_000 }));
  await expect(counter.count(ask({ grant: "c", now: 1_299_999 }))).rejects.toThrow("2 grants");
  expect(await counter.count(ask({ grant: "c", now: 1_300_000 }))).toEqual({ admitted: true, count: 1 });
});
