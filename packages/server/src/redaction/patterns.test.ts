import { describe, expect, it } from "vitest";
import { checkPattern, compilePatterns, PatternError } from "./patterns.ts";

describe("an owner's pattern", () => {
  it.each([
    "(?i)(api[_-]?key|token)\\s*[:=]\\s*([A-Za-z0-9-_]+)",
    "project-\\d+",
    "\\b[A-Z]{2}\\d{6}\\b",
    "a(?:b|c)[(?=]",
  ])("is taken: %s", (pattern) => expect(checkPattern(pattern)).toBeUndefined());

  it.each([
    ["(?=x)a", "looks ahead or behind"],
    ["(?<!x)a", "looks ahead or behind"],
    ["(a)\\1", "refers back"],
    ["a*", "matches the empty text"],
    ["[", "syntax"],
    ["", "empty"],
    ["a.*?b|a", "square"],
  ])("is refused: %s", (pattern, why) => {
    expect(checkPattern(pattern)).toContain(why);
    expect(() => compilePatterns(["fine", pattern])).toThrow(PatternError);
  });
});
