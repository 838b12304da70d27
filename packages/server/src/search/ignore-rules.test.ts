import { expect, test } from "vitest";
import { createRules } from "./ignore-rules.ts";

const rulesOf = (texts: Record<string, string[]>) => createRules((folder) => texts[folder] ?? []);

test("rules hold at every level, the deeper and the later one winning", () => {
  const rules = rulesOf({ "": ["*.log\nbuild/\n", "!keep.log\n"], inner: ["!*.log\n/only-here\n"] });
  expect(rules.hides("a.log")).toBe(true);
  expect(rules.hides("keep.log")).toBe(false);
  expect(rules.hides("inner/a.log")).toBe(false);
  expect(rules.hides("inner/only-here")).toBe(true);
  expect(rules.hides("only-here")).toBe(false);
  expect(rules.hides("build/")).toBe(true);
  expect(rules.hides("build")).toBe(false);
  expect(rules.hidesWithParents("build/deep/keep.log")).toBe(true);
});

test("folders of tools are hidden whatever rules say", () => {
  const rules = rulesOf({ "": ["!.git\n!node_modules\n"] });
  expect(rules.hidesWithParents("a/.git/config")).toBe(true);
  expect(rules.hidesWithParents("node_modules/x/index.js")).toBe(true);
});

test("a rule that could stall the server is told instead of honoured", () => {
  const rules = rulesOf({ "": [`${"**/a/".repeat(8)}b\n*.tmp\n`] });
  const began = performance.now();
  expect(rules.hidesWithParents(`${"a/".repeat(60)}c`)).toBe(false);
  expect(performance.now() - began).toBeLessThan(1_000);
  expect(rules.hides("x.tmp")).toBe(true);
  expect(rules.refused()).toEqual([{ folder: "", line: `${"**/a/".repeat(8)}b`.slice(0, 80) }]);
});
