import { describe, expect, test } from "vitest";
import { PatternError } from "./fault.ts";
import { escapeGlob, matchGlob, parseGlob, reachesGlob } from "./glob.ts";

const fits = (pattern: string, path: string): boolean => matchGlob(parseGlob(pattern, "/"), path.split("/"));

describe("a glob", () => {
  test.each([
    ["a/**", "a", true],
    ["a/**", "a/b/c", true],
    ["a/**", "ab", false],
    ["**/*.pem", ".ssh/key.pem", true],
    ["**/*.pem", "key.pem", true],
    ["**/secrets/**", ".hidden/secrets/a", true],
    ["**/secrets/**", "secrets", true],
    ["**/secrets/**", "a/secrets.txt", false],
    ["*", ".env", true],
    ["*", "a/b", false],
    ["a/*/c", "a/.b/c", true],
    ["a/*/c", "a/b/b/c", false],
    ["a/**/c", "a/c", true],
    ["a/**/b/**/c", "a/b/x/b/c", true],
    ["a/**/b/*", "a/b/b/b", true],
    ["**/a/b", "a/a/b", true],
    ["a/**/a", "a", false],
    ["**/a/b/**/b/c", "a/b/c", false],
    ["**/a/b/**/b/c", "a/b/b/c", true],
    ["**/a/b/**/d", "a/b/a/b/c/d", true],
    ["?", "é", true],
    ["?", "😀", true],
    ["*?", "", false],
    ["a*b*c", "aXbXbc", true],
    ["a*b*c", "aXbXbcd", false],
    [".*", "a", false],
    ["Caf\u00e9", "Cafe\u0301".normalize("NFC"), true],
    ["Cafe\u0301", "Caf\u00e9", true],
    ["\\*", "*", true],
    ["\\*", "a", false],
    ["\\[id\\].ts", "[id].ts", true],
    ["a (1).md", "a (1).md", true],
    ["!a", "!a", true],
    ["A", "a", false],
  ])("%s on %s: %s", (pattern, path, expected) => {
    expect(fits(pattern, path)).toBe(expected);
  });

  test.each(["a**", "***", "a/**b", "{a,b}", "*.{pem,key}", "[ab]", "@(a|b)", "+(a)", "!(a)", "a\\b", "a\\"])(
    "%s is refused, since it would not mean what it seems to",
    (pattern) => {
      expect(() => parseGlob(pattern, "/")).toThrow(PatternError);
    },
  );

  test.each(["*", "a?b", "[x]", "{y}", "@(z)", "\\", "+(", "!(b)", "a\\*b"])("%s can be escaped", (text) => {
    expect(fits(escapeGlob(text), text)).toBe(true);
    expect(fits(escapeGlob(text), `${text}x`)).toBe(false);
    expect(parseGlob(escapeGlob(text), "/")).toMatchObject([{ kind: "literal" }]);
  });

  test.each([
    ["a/*/c/**", "a/b", true],
    ["a/*/c/**", "a/b/d", false],
    ["a/**", "a/b/c", true],
    ["a/b", "a/b/c", false],
    ["a/b", "", false],
    ["**/x", "anything/at/all", true],
  ])("%s reaches %s or below: %s", (pattern, path, expected) => {
    expect(reachesGlob(parseGlob(pattern, "/"), path.split("/"))).toBe(expected);
  });

  test("has no bad case: what a backtracking matcher would be at for ever ends at once", () => {
    const deep = (part: string): string => `${part}/`.repeat(4_000 / (part.length + 1)).slice(0, -1);
    const cases: [string, string][] = [
      [`**/${"a/".repeat(61)}b/**`, deep("a")],
      [`**/${"a*/".repeat(61)}b/**`, deep("aa")],
      [`**/${"*a*/".repeat(61)}b/**`, deep("ba")],
      [`${"**/a/".repeat(31)}b`, deep("a")],
      [`${"**/*/".repeat(31)}b`, deep("a")],
      ["*a".repeat(63), `${"a".repeat(4_000)}b`],
      [`*${"?".repeat(124)}b*`, "a".repeat(4_000)],
      [`*${"a".repeat(124)}b*`, "a".repeat(4_000)],
      [`**/*${"a".repeat(124)}b*/**`, "a".repeat(4_000)],
    ];
    for (const [pattern, path] of cases) {
      const glob = parseGlob(pattern, "/");
      const segments = path.split("/");
      const times = Array.from({ length: 9 }, () => {
        const start = performance.now();
        matchGlob(glob, segments);
        return performance.now() - start;
      });
      // A few milliseconds; the bound leaves room for a busy machine, and none for anything worse than the product of both lengths.
      expect(Math.min(...times), pattern.slice(0, 30)).toBeLessThan(100);
    }
  });

  test("longer runs of wildcards are refused", () => {
    expect(() => parseGlob(`**/${"a/".repeat(64)}b`, "/")).toThrow(/512/);
    expect(() => parseGlob(`*${"a".repeat(300)}`, "/")).toThrow(/128/);
    expect(parseGlob(`${"a/".repeat(2_000)}**`, "/")).toHaveLength(2_001);
  });
});
