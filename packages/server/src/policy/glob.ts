import { PatternError } from "./fault.ts";

/**
 * Globs over whole segments. `*` stands for any characters of one segment, `?` for one character, `**` (a segment of its own) for any
 * number of segments, none included: `/a/**` is `/a` and all below it. A leading dot is nothing special. There are no braces, classes,
 * extended globs or negations: they are refused, since a deny that silently means something else protects nothing. `\` takes the next
 * character literally.
 *
 * Matching goes back to the last wildcard only, so its time is at most the length of the text times that of the longest run between two
 * wildcards, and that run is bounded when the pattern is compiled.
 */
export type Segment =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "wild"; readonly tokens: readonly number[]; readonly ends: Ends | undefined }
  | { readonly kind: "globstar" };

/** What stands before and after the one `*` of a segment without `?`: by far the most common kind, and the quickest to match. */
interface Ends {
  readonly head: string;
  readonly tail: string;
}

const anyCharacter = -1;
const anyRun = -2;
const globstar: Segment = { kind: "globstar" };

/** The most characters and segments that a pattern may have from its first wildcard on, and characters in a segment with wildcards. */
const maxWild = 512;
const maxWildSegments = 64;
const maxWildSegment = 128;

/** The code points of a segment, with those of wildcards negative. */
export const tokens = { anyCharacter, anyRun } as const;

/** One segment from its code points and wildcards; two `*` alone are `**`. */
export function toSegment(parts: readonly number[]): Segment {
  if (parts.length === 2 && parts[0] === anyRun && parts[1] === anyRun) return globstar;
  if (parts.some((token, index) => token === anyRun && parts[index + 1] === anyRun))
    throw new PatternError("`**` has to stand alone between two slashes; inside a name write `*`.");
  if (parts.every((token) => token >= 0)) return { kind: "literal", text: toText(parts) };
  if (parts.length > maxWildSegment)
    throw new PatternError(`A name with wildcards may have ${maxWildSegment} characters at most.`);
  const run = parts.indexOf(anyRun);
  const simple = run >= 0 && parts.every((token, index) => token >= 0 || index === run);
  const ends = simple ? { head: toText(parts.slice(0, run)), tail: toText(parts.slice(run + 1)) } : undefined;
  return { kind: "wild", tokens: parts, ends };
}

/** Drops what repeats a `**`, and holds the pattern to the size that keeps matching quick. */
export function toGlob(segments: readonly Segment[]): readonly Segment[] {
  const glob = segments.filter(({ kind }, index) => kind !== "globstar" || segments[index + 1]?.kind !== "globstar");
  const first = glob.findIndex(({ kind }) => kind !== "literal");
  const wild = first < 0 ? [] : glob.slice(first);
  if (wild.length > maxWildSegments || wild.reduce((sum, segment) => sum + lengthOf(segment), 0) > maxWild)
    throw new PatternError(
      `From its first wildcard on, a pattern may have ${maxWild} characters and ${maxWildSegments} segments at most.`,
    );
  return glob;
}

/** Parses the text of a glob. `separator` ends a segment and cannot be escaped. */
export function parseGlob(text: string, separator: string): readonly Segment[] {
  return toGlob(text.normalize("NFC").split(separator).map(parseSegment));
}

function parseSegment(text: string): Segment {
  const parts: number[] = [];
  const characters = [...text];
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index] ?? "";
    const next = characters[index + 1];
    if (character === "\\") {
      if (next === undefined || !"*?[]{}()!@+\\~".includes(next))
        throw new PatternError("A backslash only makes one of * ? [ ] { } ( ) ! @ + ~ \\ literal; paths use /.");
      parts.push(next.codePointAt(0) ?? 0);
      index++;
    } else if (character === "*") parts.push(anyRun);
    else if (character === "?") parts.push(anyCharacter);
    else if ("[]{}".includes(character))
      throw new PatternError(
        `${character} has no meaning in a pattern: write one pattern for each case, or \\${character} for the character itself.`,
      );
    else if (
      character === "(" &&
      index > 0 &&
      "@+!?*".includes(characters[index - 1] ?? "") &&
      characters[index - 2] !== "\\"
    )
      throw new PatternError(
        "Extended globs have no meaning here: write one pattern for each case, or \\( for a bracket.",
      );
    else parts.push(character.codePointAt(0) ?? 0);
  }
  return toSegment(parts);
}

/** Whether the glob, from its segment `p` on, matches all of `path` from its segment `s` on. */
export function matchGlob(glob: readonly Segment[], path: readonly string[], p = 0, s = 0): boolean {
  let afterStar = -1;
  let retry = 0;
  const end = path.length;
  while (s < end) {
    const segment = glob[p];
    if (segment === undefined || segment.kind === "globstar") {
      if (segment !== undefined) {
        if (p + 1 === glob.length) return true;
        afterStar = ++p;
        // What follows the last `**` has to end where the path ends, so there is one place to try.
        if (lastStar(glob) < p) return tailFits(glob, path, p, s);
        retry = s;
        continue;
      }
    } else if (matchSegment(segment, path[s] ?? "")) {
      p++;
      s++;
      continue;
    }
    if (afterStar < 0) return false;
    p = afterStar;
    s = ++retry;
  }
  while (glob[p]?.kind === "globstar") p++;
  return p === glob.length;
}

function tailFits(glob: readonly Segment[], path: readonly string[], p: number, s: number): boolean {
  const start = path.length - (glob.length - p);
  if (start < s) return false;
  for (let offset = 0; p + offset < glob.length; offset++) {
    const segment = glob[p + offset];
    if (segment === undefined || !matchSegment(segment, path[start + offset] ?? "")) return false;
  }
  return true;
}

function lastStar(glob: readonly Segment[]): number {
  for (let index = glob.length - 1; index >= 0; index--) if (glob[index]?.kind === "globstar") return index;
  return -1;
}

/** Whether the glob, from its segment `p` on, matches `path` from `s` on, or may match something below it. */
export function reachesGlob(glob: readonly Segment[], path: readonly string[], p = 0, s = 0): boolean {
  for (; s < path.length; s++, p++) {
    const segment = glob[p];
    if (segment === undefined) return false;
    if (segment.kind === "globstar") return true;
    if (!matchSegment(segment, path[s] ?? "")) return false;
  }
  return true;
}

/** Whether one segment of a glob matches one segment of a text. A `**` is no segment's match by itself. */
export function matchSegment(segment: Segment, text: string): boolean {
  if (segment.kind === "literal") return segment.text === text;
  if (segment.kind === "globstar") return false;
  const { ends, tokens: parts } = segment;
  if (ends === undefined) return matchTokens(parts, text);
  const { head, tail } = ends;
  return text.length >= head.length + tail.length && text.startsWith(head) && text.endsWith(tail);
}

function matchTokens(parts: readonly number[], text: string): boolean {
  let at = 0;
  let index = 0;
  let afterRun = -1;
  let retry = 0;
  while (index < text.length) {
    const token = parts[at];
    const point = text.codePointAt(index) ?? 0;
    if (token === anyRun) {
      if (at + 1 === parts.length) return true;
      afterRun = ++at;
      retry = index;
    } else if (token === point || token === anyCharacter) {
      at++;
      index += point > 0xff_ff ? 2 : 1;
    } else if (afterRun < 0) return false;
    else {
      at = afterRun;
      retry += (text.codePointAt(retry) ?? 0) > 0xff_ff ? 2 : 1;
      index = retry;
    }
  }
  while (parts[at] === anyRun) at++;
  return at === parts.length;
}

/** Writes a text so that a glob takes it literally. */
export const escapeGlob = (text: string): string => text.replace(/[*?[\]{}\\]|(?<=[@+!])\(/g, "\\$&");

const toText = (parts: readonly number[]): string => {
  let text = "";
  for (const point of parts) text += String.fromCodePoint(point);
  return text;
};

const lengthOf = (segment: Segment): number =>
  segment.kind === "literal" ? segment.text.length + 1 : segment.kind === "wild" ? segment.tokens.length + 1 : 3;
