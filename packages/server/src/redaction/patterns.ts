import { RE2JS } from "re2js";

/** Patterns of the owner or of a policy, ready to run in linear time. */
export interface CompiledPatterns {
  readonly sources: readonly string[];
  readonly matchers: readonly RE2JS[];
}

/** A pattern that cannot be used: which, what is wrong, and what to do. */
export class PatternError extends Error {
  readonly pattern: string;
  constructor(pattern: string, wrong: string) {
    super(`The redaction pattern ${JSON.stringify(pattern)} cannot be used: ${wrong}`);
    this.name = "PatternError";
    this.pattern = pattern;
  }
}

/** Compiles patterns, which have RE2's syntax and mask the whole of what they match. Throws PatternError. */
export function compilePatterns(patterns: readonly string[]): CompiledPatterns {
  const matchers = patterns.map((pattern) => {
    const matcher = toMatcher(pattern);
    if (typeof matcher === "string") throw new PatternError(pattern, matcher);
    return matcher;
  });
  return { sources: [...patterns], matchers };
}

/** What is wrong with a pattern and what to do about it, in a sentence; undefined when it is good. */
export function checkPattern(pattern: string): string | undefined {
  const matcher = toMatcher(pattern);
  return typeof matcher === "string" ? matcher : undefined;
}

const maxPatternLength = 1_000;

function toMatcher(pattern: string): RE2JS | string {
  if (pattern === "") return "it is empty. Write what to mask, or remove it.";
  if (pattern.length > maxPatternLength)
    return `it is longer than ${maxPatternLength} characters. Split it into several patterns.`;
  const bare = pattern.replace(/\\[\s\S]/g, "__").replace(/\[\^?\]?[^\]]*\]/g, "_");
  if (/\(\?<?[=!]/.test(bare)) {
    return "it looks ahead or behind ((?=, (?!, (?<=, (?<!), which cannot be matched in linear time. Match the surrounding text too: the whole match is masked.";
  }
  if (/\\[1-9]|\\k[<{']/.test(pattern.replace(/\\\\/g, "__"))) {
    return "it refers back to a group (\\1, \\k<name>), which cannot be matched in linear time. Write the repeated part out.";
  }
  let matcher: RE2JS;
  try {
    matcher = RE2JS.compile(pattern);
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/\s+/g, " ") : "its syntax is wrong";
    return `${why}. Patterns have RE2's syntax: see https://github.com/google/re2/wiki/Syntax.`;
  }
  if (matcher.matcher("").find())
    return "it matches the empty text, so it would match everywhere. Make it need at least one character.";
  return isSlow(pattern, matcher) ? slow : matcher;
}

const slow =
  "finding all its matches takes time that grows with the square of the text. Bound what repeats (.{0,100} for .*) and what may stand before a rare end.";

/** How often a text may be read, on average, to find every match in it. A square pattern reads it thousands of times. */
const maxReads = 48;
const pumpLength = 3_000;

class TooManyReads extends Error {}

/**
 * RE2 is linear for one match, not for all of them: `a.*?b|a` reads to the end of the text for each `a`. So each
 * pattern is run over texts made of its own letters, and refused when it reads them too often. Reads are counted, not
 * timed, so that the answer never hangs on how busy the machine is.
 */
function isSlow(pattern: string, matcher: RE2JS): boolean {
  return pumps(pattern).some((pump) => readsTooOften(matcher, pump.repeat(Math.ceil(pumpLength / pump.length))));
}

function readsTooOften(matcher: RE2JS, text: string): boolean {
  const bytes = [...new TextEncoder().encode(text)];
  let left = bytes.length * maxReads;
  const counted = new Proxy(bytes, {
    get(target, key) {
      if (--left < 0) throw new TooManyReads();
      return Reflect.get(target, key);
    },
  });
  try {
    const found = matcher.matcher(counted);
    while (found.find());
    return false;
  } catch (error) {
    if (error instanceof TooManyReads) return true;
    throw error;
  }
}

function pumps(pattern: string): readonly string[] {
  const literal = pattern.replace(/\\[A-Za-z]|[\\^$.|?*+()[\]{}]/g, "");
  const letters = [...new Set(literal)].slice(0, 12);
  const words = literal.match(/[\w-]{2,}/g) ?? [];
  return [
    ...new Set([
      ...letters,
      ...words.slice(0, 4),
      literal || "a",
      `${literal} `,
      "a",
      "0",
      " ",
      "aA0 ",
      "a=",
      "a,b",
      '"',
      "\n",
    ]),
  ];
}
