import fc from "fast-check";
import { expect, test } from "vitest";
import { createNameGlob } from "./name-glob.ts";

test.each([
  ["*.md", "a.md", true],
  ["*.md", "x/y/a.md", true],
  ["./*.md", "x/a.md", false],
  ["x/*.md", "x/a.md", true],
  ["x/*.md", "x/y/a.md", false],
  ["x/**", "x/y/.hidden", true],
  ["**/y/*", "y/a", true],
  ["**/y/*", "x/y/a", true],
  ["?.md", "\u{1f600}.md", true],
  ["a.md", "aXmd", false],
  ["*", ".env", true],
])("%s on %s: %s", (pattern, path, expected) => {
  expect(createNameGlob(pattern)(path)).toBe(expected);
});

test("it agrees with the same glob written as a regular expression", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "."), minLength: 1, maxLength: 4 });
  const wild = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), minLength: 1, maxLength: 4 });
  const segment = fc.oneof(
    wild.filter((text) => !/^\*\*+$/.test(text)),
    fc.constant("**"),
  );
  fc.assert(
    fc.property(
      fc.array(segment, { minLength: 2, maxLength: 5 }),
      fc.array(letters, { minLength: 1, maxLength: 5 }),
      (pattern, path) => {
        const source = pattern
          .map((part) => {
            if (part === "**") return "(?:[^/]+/)*";
            return `${part.replace(/\./g, "\\.").replace(/\*+/g, "[^/]*").replace(/\?/g, "[^/]")}/`;
          })
          .join("");
        const expected = new RegExp(`^${source}$`).test(`${path.join("/")}/`);
        expect(createNameGlob(pattern.join("/"))(path.join("/"))).toBe(expected);
      },
    ),
    { numRuns: 3_000 },
  );
});

test("a hostile pattern costs no more than its length times the path's", () => {
  const matches = createNameGlob(`${"*a".repeat(120)}b/${"**/x/".repeat(100)}y`);
  const start = performance.now();
  expect(matches(`${"a".repeat(255)}/${"x/".repeat(1800)}z`)).toBe(false);
  expect(performance.now() - start).toBeLessThan(500);
});
