import { monitorEventLoopDelay } from "node:perf_hooks";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createTextCache, locate } from "./locate.ts";

test("a passage is where it stands exactly once, in bytes", async () => {
  expect(await locate("größe x", "x")).toEqual({ start: 8, end: 9 });
  expect(await locate("𝄞 clef 𝄞𝄞", "𝄞𝄞")).toEqual({ start: 10, end: 18 });
  expect(await locate("same", "same")).toEqual({ start: 0, end: 4 });
  for (const [text, passage] of [
    ["abab", "ab"],
    ["aaa", "aa"],
    ["abc", "d"],
    ["ab", "abc"],
    ["ab", ""],
    ["", ""],
    ["𝄞", "\udd1e"],
    ["\ud834", "\ud834"],
  ] as const)
    expect(await locate(text, passage), JSON.stringify([text, passage])).toBeUndefined();
});

test("it agrees with a plain search on any text", async () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "é", "𝄞"), maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(letters, fc.nat(30), fc.nat(30), async (text, from, length) => {
      const passage = text.slice(from, from + length);
      const first = text.indexOf(passage);
      const once = passage !== "" && passage.isWellFormed() && text.indexOf(passage, first + 1) < 0;
      const span = await locate(text, passage);
      expect(span !== undefined).toBe(once);
      if (span) expect(Buffer.from(text).subarray(span.start, span.end).toString()).toBe(passage);
    }),
    { numRuns: 2_000 },
  );
});

test("a text that repeats itself takes no long time, and holds up nothing else", async () => {
  const passage = `${"a".repeat(200)}b${"a".repeat(64_000)}`;
  const delay = monitorEventLoopDelay({ resolution: 5 });
  const before = performance.now();
  delay.enable();
  expect(await locate("a".repeat(2_000_000), passage)).toBeUndefined();
  delay.disable();
  expect(performance.now() - before).toBeLessThan(5_000);
  expect(delay.max / 1e6).toBeLessThan(200);
});

test("the cache keeps what was used last, within its size", () => {
  const cache = createTextCache(10);
  cache.set("a", "aaaa");
  cache.set("b", "bbbb");
  expect(cache.get("a")).toBe("aaaa");
  cache.set("c", "cccc");
  expect([cache.get("a"), cache.get("b"), cache.get("c")]).toEqual(["aaaa", undefined, "cccc"]);
  cache.set("a", "a");
  cache.set("d", "ddddd");
  expect([cache.get("a"), cache.get("c"), cache.get("d")]).toEqual(["a", "cccc", "ddddd"]);
  cache.set("e", "x".repeat(11));
  expect([cache.get("e"), cache.get("d")]).toEqual([undefined, "ddddd"]);
});
