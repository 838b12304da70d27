import { PatternError } from "./fault.ts";
import { matchGlob, matchSegment, parseGlob, type Segment } from "./glob.ts";

/** What a scope or a group may be called. */
export const idPattern = /^[\p{L}\p{N}_.-]{1,64}$/u;

/** A pattern of subjects or tools. */
export interface NamePattern {
  readonly text: string;
  /** True when it has no wildcard: it names one subject or tool exactly. */
  readonly exact: boolean;
  matches(name: string): boolean;
}

/**
 * Compiles a pattern of names. A tool's parts stand between dots, a subject's between `@`; `*` stays within its part, but a last part that is
 * only `*` stands for all that follows: `fs.*` is every tool of `fs`, `*@home` everyone at home, `*` every name.
 */
export function compileName(text: string, separator: "." | "@"): NamePattern {
  if (/[\s\p{Cc}]/u.test(text)) throw new PatternError("A name has no spaces or control characters.");
  if (text.includes("\\")) throw new PatternError("A name has no backslash.");
  if (text.split(separator).some((part) => part === "" || part.includes("**")))
    throw new PatternError(`${JSON.stringify(text)} is no name: write *, or parts joined by ${separator}.`);
  const segments = parseGlob(text, separator);
  if (segments.every(({ kind }) => kind === "literal")) return { text, exact: true, matches: (name) => name === text };
  const last = segments[segments.length - 1];
  const open = last?.kind === "wild" && last.tokens.length === 1 && matchSegment(last, "");
  const glob: readonly Segment[] = open ? [...segments, { kind: "globstar" }] : segments;
  return { text, exact: false, matches: (name) => matchGlob(glob, name.split(separator)) };
}

/** Compiles a pattern of purposes: `*` stands for any text and `?` for one character, in the whole purpose. */
export function compilePurpose(text: string): (purpose: string) => boolean {
  const [segment] = parseGlob(text.replaceAll(/\*+/g, "*"), "\u0000");
  if (segment === undefined || text.includes("\u0000")) throw new PatternError("A purpose is a text.");
  return (purpose) => matchSegment(segment, purpose.normalize("NFC"));
}
