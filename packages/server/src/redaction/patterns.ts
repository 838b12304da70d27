import { RE2JS } from "re2js";
import { requiredLiterals } from "./pattern-literals.ts";
import { readsTooOften } from "./pattern-trial.ts";

/** One pattern of the owner or of a policy. */
export interface CompiledPattern {
  /** As it was written. */
  readonly source: string;
  readonly matcher: RE2JS;
  /** Holds wherever the pattern could match; undefined when nothing is known of what a match must contain. */
  readonly gate: RegExp | undefined;
  /** What reading one character costs at most, in units of the budget. */
  readonly weight: number;
}

/** Patterns of the owner or of a policy, ready to run. */
export interface CompiledPatterns {
  readonly patterns: readonly CompiledPattern[];
}

const known = new Map<string, CompiledPattern | string>();
const mostKnown = 2_000;

/**
 * Compiles patterns in RE2's syntax; each masks the whole of what it matches, whatever its groups. Throws an Error that names the pattern
 * and says what is wrong. A pattern is compiled and tried once, however often it is asked for. `place` tells where the patterns stand.
 */
export function compilePatterns(patterns: readonly string[], place = "The redaction pattern"): CompiledPatterns {
  return {
    patterns: patterns.map((pattern) => {
      const compiled = compile(pattern);
      if (typeof compiled === "string")
        throw new Error(`${place} ${JSON.stringify(pattern)} cannot be used: ${compiled}`);
      return compiled;
    }),
  };
}

/** What is wrong with a pattern and what to do about it, as a sentence; undefined when it is good. */
export function checkPattern(pattern: string): string | undefined {
  const compiled = compile(pattern);
  return typeof compiled === "string" ? compiled : undefined;
}

const longestPattern = 2_000;
const largestProgram = 2_000;

function compile(pattern: string): CompiledPattern | string {
  let compiled = known.get(pattern);
  if (compiled === undefined) {
    compiled = compileNew(pattern);
    if (known.size >= mostKnown) known.clear();
    known.set(pattern, compiled);
  }
  return compiled;
}

function compileNew(pattern: string): CompiledPattern | string {
  if (pattern.length > longestPattern)
    return `it has ${pattern.length} characters; at most ${longestPattern} are taken. Split it.`;
  const plain = pattern.replace(/\\[\s\S]/g, "__").replace(/\[\^?\]?[^\]]*\]/g, "_");
  if (/\(\?<?[=!]/.test(plain))
    return "it looks ahead or behind, which RE2 cannot do. The whole match is masked: match what stands around it too.";
  if (/\\(?:[1-9]|k[<{'])/.test(pattern.replaceAll("\\\\", "__")))
    return "it refers back to a group, which RE2 cannot do. Write the repeated part out.";
  let matcher: RE2JS;
  try {
    matcher = RE2JS.compile(pattern);
  } catch (error) {
    return `${error instanceof Error ? error.message : "its syntax is wrong"}. Patterns are written in RE2's syntax.`;
  }
  const size = matcher.programSize();
  if (size > largestProgram)
    return `it compiles to ${size} steps; at most ${largestProgram} are taken. Shorten its repetitions.`;
  if (matcher.test("")) return "it matches nothing at all, so it would match everywhere. Make it need a character.";
  if (readsTooOften(pattern, matcher))
    return "finding all of its matches takes the square of a text's length. Bound its repetitions, such as .{0,80} for .*.";
  return { source: pattern, matcher, gate: toGate(pattern), weight: 8 + (size >> 3) };
}

function toGate(pattern: string): RegExp | undefined {
  const literals = requiredLiterals(pattern);
  if (!literals) return undefined;
  // Without case, as a pattern may fold it anywhere; `u` folds as RE2 does (K and the Kelvin sign, s and ſ).
  return new RegExp(literals.map((literal) => literal.replace(/[\\^$.|?*+()[\]{}/]/g, "\\$&")).join("|"), "iu");
}
