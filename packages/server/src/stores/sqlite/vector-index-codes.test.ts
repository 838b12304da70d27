import { expect, test } from "vitest";
import { type Codes, createCodes } from "./vector-index-codes.ts";

const even = (value: number, dimensions = 20): Int8Array => new Int8Array(dimensions).fill(value);
const query = { scale: 1, code: even(1) };
const scan = async (codes: Codes, most: number): Promise<readonly number[]> =>
  (await codes.scan(query, { most, allows: () => true, signal: undefined })).map(({ chunk }) => chunk);

test("each code counts with its own scale", async () => {
  const codes = createCodes(20);
  codes.put({ id: 1, chunk: 1 }, { scale: 0.01, code: even(100) });
  codes.put({ id: 2, chunk: 2 }, { scale: 0.1, code: even(50) });
  expect(await scan(codes, 1)).toEqual([2]);
});

test("a place that was left is taken again, with nothing of what was there", async () => {
  const codes = createCodes(20);
  for (let chunk = 1; chunk <= 200; chunk++) codes.put({ id: chunk, chunk }, { scale: 1, code: even(chunk % 100) });
  codes.remove(99);
  codes.remove(99);
  codes.put({ id: 300, chunk: 300 }, { scale: 1, code: even(1) });
  codes.put({ id: 301, chunk: 300 }, { scale: 1, code: even(101) });
  expect(codes.size).toBe(200);
  expect(await scan(codes, 3)).toEqual([300, 199, 98]);
  codes.keep(new Set([98, 301]));
  expect(await scan(codes, 9)).toEqual([300, 98]);
});

test("others get their turn while many are compared, each of which is asked about once", async () => {
  const codes = createCodes(16);
  for (let chunk = 1; chunk <= 30_000; chunk++) codes.put({ id: chunk, chunk }, { scale: 1, code: even(1, 16) });
  let turns = 0;
  let asked = 0;
  const slow = (): boolean => {
    asked++;
    if (asked % 1_000 === 0) for (const end = performance.now() + 1; performance.now() < end; );
    return true;
  };
  const counting = setInterval(() => turns++, 1);
  const found = await codes.scan({ scale: 1, code: even(1, 16) }, { most: 5, allows: slow, signal: undefined });
  clearInterval(counting);
  expect(found.map(({ chunk }) => chunk)).toEqual([1, 2, 3, 4, 5]);
  expect(asked).toBe(30_000);
  expect(turns).toBeGreaterThan(2);
});
