import { describe, expect, test } from "vitest";
import { requiredLiterals } from "./pattern-literals.ts";
import { checkPattern, compilePatterns } from "./patterns.ts";
import { createRedactor } from "./redactor.ts";

const scrub = (text: string, ...patterns: string[]): string =>
  createRedactor({ patterns: compilePatterns(patterns) }).scrubText(text).value;

test("the whole match is masked, whatever its groups", () => {
  expect(scrub("a Token = abc-def_1 b", "(?i)(api[_-]?key|token)\\s*[:=]\\s*([A-Za-z0-9-_]+)")).toBe(
    "a [redacted:owner-pattern] b",
  );
});

test("patterns of a call add to the owner's", () => {
  const { value, masked } = createRedactor({ patterns: compilePatterns(["ALPHA-\\d+"]) }).scrub(
    { a: "ALPHA-1 BETA-2" },
    compilePatterns(["(?i)beta-\\d+"]),
  );
  expect(value).toEqual({ a: "[redacted:owner-pattern] [redacted:owner-pattern]" });
  expect(masked).toEqual({ "owner-pattern": 2 });
});

test("matches are found over the borders of slices, and when they are longer than one", () => {
  for (const before of [0, 12_280, 16_380, 40_000]) {
    const text = `${"x ".repeat(before / 2)}<<${"y".repeat(600)}>> z`;
    expect(scrub(text, "<<y+>>").endsWith("[redacted:owner-pattern] z"), String(before)).toBe(true);
  }
  expect(scrub(`<<${"y".repeat(50_000)}>> z`, "<<y+>>")).toBe("[redacted:owner-pattern] z");
});

describe("a pattern is refused, with what to do,", () => {
  test.each([
    ["that looks ahead", "foo(?=bar)", /ahead or behind/],
    ["that looks behind", "(?<!x)y", /ahead or behind/],
    ["that refers back", "(a+)\\1", /refers back/],
    ["that is malformed", "a(", /RE2's syntax/],
    ["that matches nothing", "a*", /Make it need a character/],
    ["that is square over all its matches", "a.*?b|a", /square/],
    ["that is huge", "(?:[a-z]{1,900}){1,3}", /Shorten|syntax/],
  ])("%s", (_, pattern, why) => {
    expect(checkPattern(pattern)).toMatch(why);
    expect(() => compilePatterns([pattern], "In policy x.yaml, pattern")).toThrow(
      /^In policy x\.yaml, pattern ".*" cannot be used: /,
    );
  });

  test("and a good one is not", () => {
    for (const pattern of ["\\bEMP-\\d{6}\\b", "(?i)project-[a-z]+", "[\\w.+-]+@[\\w-]+\\.[\\w.-]+", "\\\\1", "[(?=]x"])
      expect(checkPattern(pattern), pattern).toBeUndefined();
  });
});

test.each([
  ["(?i)(api[_-]?key|token)\\s*[:=]", ["api", "token"]],
  ["EMP-\\d{6}", ["EMP-"]],
  ["(?:abc)?defg", ["defg"]],
  ["(?:abcd|efgh)+x", ["abcd", "efgh"]],
  ["abcd|e", undefined],
  ["abc*d", undefined],
  ["[abc]+", undefined],
  ["\\Qabc", undefined],
])("what every match of %s must contain", (pattern, literals) => {
  expect(requiredLiterals(pattern)).toEqual(literals);
});
