import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { openVectorIndex } from "../../../packages/server/src/stores/sqlite/vector-index.ts";
import type { VectorIndex } from "../../../packages/server/src/stores/store.ts";
import { atEnd, makeFolder } from "./engines.ts";
import { at, createRandom, point, randomVector } from "./vector-index-points.ts";

const open = (path: string): VectorIndex => {
  const index = openVectorIndex({ path });
  atEnd(() => index.close());
  return index;
};
const newPath = (): string => join(makeFolder(), "vectors.db");
const nearest = async (index: VectorIndex, degrees: number, k = 10): Promise<readonly number[]> =>
  (await index.nearest("c", at(degrees), { k })).map(({ chunk }) => chunk);

test("everything is there again after it was closed, in a file for its owner alone", async () => {
  const path = newPath();
  const first = openVectorIndex({ path });
  await first.put("c", [point(1, at(0)), point(2, at(40)), point(3, at(80))]);
  await first.remove([2]);
  await first.close();
  await first.close();
  const again = open(path);
  expect(await nearest(again, 70)).toEqual([3, 1]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("another process's writes are seen at the next search", async () => {
  const path = newPath();
  const [one, other] = [open(path), open(path)];
  await one.put("c", [point(1, at(0)), point(2, at(40))]);
  expect(await nearest(other, 0)).toEqual([1, 2]);
  await one.put("c", [point(3, at(1)), point(1, at(90))]);
  expect(await nearest(other, 0)).toEqual([3, 2, 1]);
  await one.remove([3]);
  expect(await nearest(other, 0)).toEqual([2, 1]);
  await other.put("c", [point(4, at(0))]);
  expect(await nearest(one, 0)).toEqual([4, 2, 1]);
  await other.drop("c");
  expect(await nearest(one, 0)).toEqual([]);
  await other.put("c", [point(9, at(0))]);
  expect(await nearest(one, 0)).toEqual([9]);
});

test("what another process has removed takes nobody's place", async () => {
  const path = newPath();
  const [one, other] = [open(path), open(path)];
  const near = Array.from({ length: 400 }, (_, n) => point(n + 1, at(n / 100)));
  await one.put("c", [...near, point(999, at(90))]);
  expect(await nearest(other, 0, 1)).toEqual([1]);
  await one.remove(near.map(({ chunk }) => chunk));
  expect(await nearest(other, 0, 1)).toEqual([999]);
});

test("a lock of another process is waited for without holding up anything else", async () => {
  const path = newPath();
  const index = open(path);
  await index.put("c", [point(1, at(0))]);
  const other = new DatabaseSync(path);
  atEnd(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  const putting = index.put("c", [point(2, at(10))]);
  let turns = 0;
  const end = performance.now() + 150;
  while (performance.now() < end) {
    await delay(5);
    turns++;
  }
  expect(turns).toBeGreaterThan(10);
  expect(await nearest(index, 0)).toEqual([1]);
  other.exec("COMMIT");
  await putting;
  expect(await nearest(index, 0)).toEqual([1, 2]);
});

test("a put that fails half-way leaves nothing", async () => {
  const path = newPath();
  const index = open(path);
  await index.put("c", [point(1, at(0))]);
  const other = new DatabaseSync(path);
  atEnd(() => other.close());
  other.exec(
    "CREATE TRIGGER stop BEFORE INSERT ON codes WHEN NEW.chunk = 13 BEGIN SELECT RAISE(ABORT, 'stopped'); END",
  );
  await expect(index.put("c", [point(1, at(90)), point(12, at(1)), point(13, at(2))])).rejects.toThrow("stopped");
  expect(await index.nearest("c", at(0), { k: 5 })).toMatchObject([{ chunk: 1, similarity: expect.closeTo(1, 5) }]);
  expect(await index.count("c")).toBe(1);
});

test("the rows of a dropped collection go, also when the process ended before that", async () => {
  const path = newPath();
  const index = openVectorIndex({ path });
  const random = createRandom(3);
  await index.put("c", [point(1, at(0))]);
  for (let from = 0; from < 3_000; from += 1_000)
    await index.put(
      "d",
      Array.from({ length: 1_000 }, (_, n) => point(from + n + 1, randomVector(random, 8))),
    );
  await index.drop("d");
  await index.close();
  const again = open(path);
  const reader = new DatabaseSync(path, { readOnly: true });
  atEnd(() => reader.close());
  const rows = (): unknown =>
    reader.prepare("SELECT (SELECT count(*) FROM vectors) + (SELECT count(*) FROM codes) AS n").get()?.n;
  const end = performance.now() + 10_000;
  while (rows() !== 2 && performance.now() < end) await delay(10);
  expect(rows()).toBe(2);
  expect(await nearest(again, 0)).toEqual([1]);
});

test("searches beside puts and removals never miss what was there all the time", async () => {
  const index = open(newPath());
  const random = createRandom(11);
  const steady = Array.from({ length: 2_000 }, (_, n) => point(n + 1, randomVector(random, 48)));
  for (const from of [0, 1_000]) await index.put("c", steady.slice(from, from + 1_000));
  let done = false;
  const writing = (async () => {
    for (let round = 0; round < 30; round++) {
      const passing = Array.from({ length: 50 }, (_, n) => point(10_000 + round * 50 + n, randomVector(random, 48)));
      await index.put("c", passing);
      await delay(1);
      await index.remove(passing.map(({ chunk }) => chunk));
    }
    done = true;
  })();
  let searches = 0;
  while (!done) {
    const wanted = steady[Math.floor(random() * steady.length)] ?? point(1, at(0));
    const [best] = await index.nearest("c", wanted.vector, { k: 1 });
    expect(best?.chunk).toBe(wanted.chunk);
    searches++;
    await delay(0);
  }
  await writing;
  expect(searches).toBeGreaterThan(5);
  expect(await index.count("c")).toBe(2_000);
});

test("a file that is no database is refused by name", async () => {
  const path = newPath();
  writeFileSync(path, "no database at all, but long enough to be looked at as one".repeat(40));
  expect(() => openVectorIndex({ path })).toThrow(/vectors\.db is damaged/);
});
