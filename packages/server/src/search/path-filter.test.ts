import { expect, test } from "vitest";
import { toPathFilter } from "./path-filter.ts";

test.each([
  ["journal", "journal/2026/a.md", true],
  ["journal/", "journal/a.md", true],
  ["journal", "journals/a.md", false],
  ["notes/a.md", "notes/a.md", true],
  ["**/*.md", "a.md", true],
  ["**/*.md", "x/y/.hidden/a.md", true],
  ["*.md", "x/a.md", false],
  ["projects/**/src/*.t?", "projects/a/b/src/x.ts", true],
  ["projects/*/src/*.ts", "projects/a/b/src/x.ts", false],
  ["", "anything", true],
])("%s on %s", (filter, path, expected) => {
  expect(toPathFilter(filter)(path)).toBe(expected);
});

test("a hostile filter takes no time", () => {
  const began = performance.now();
  toPathFilter(`${"*a".repeat(200)}b`)("a".repeat(2_000));
  toPathFilter(`${"**/a/".repeat(100)}b`)("a/".repeat(1_000));
  expect(performance.now() - began).toBeLessThan(1_000);
});
