import { isAscii, isUtf8 } from "node:buffer";
import { RE2JS } from "re2js";
import { requiredLiterals } from "../../redaction/pattern-literals.ts";

/** What is sought in each line, in RE2's syntax. */
export interface Sought {
  readonly pattern: string;
  readonly literal: boolean;
  readonly ignoreCase: boolean;
  /** Lines shown before and after each match. */
  readonly context: number;
}

/** A line that matches. Offsets are bytes of the file. */
export interface LineMatch {
  /** Counted from one. */
  readonly line: number;
  readonly start: number;
  readonly end: number;
  /** The line, or what stands around the match in a long one. */
  readonly text: string;
  readonly before?: readonly string[];
  readonly after?: readonly string[];
}

const longestLine = 400;
const longestContext = 200;
/** What stands before the match in a line that is cut. */
const lead = 100;

const largestProgram = 5_000;

/** Compiled once for all files. Throws RE2's own error for a pattern that it cannot take. */
export function createLineSearch(sought: Sought): (bytes: Buffer, most: number) => readonly LineMatch[] {
  const source = sought.literal ? RE2JS.quote(sought.pattern) : sought.pattern;
  const flags = sought.ignoreCase ? RE2JS.CASE_INSENSITIVE : 0;
  const matcher = RE2JS.compile(source, flags);
  if (matcher.programSize() > largestProgram) throw new Error("it compiles to too many steps: shorten its repetitions");
  const literals = sought.literal ? [sought.pattern] : requiredLiterals(sought.pattern);
  const gate = literals && new RegExp(literals.map(toLiteral).join("|"), "giu");
  // A line's match is one of the whole text too, unless it is tied to the text's own borders.
  const whole = /\\[AzZQC]|\(\?/.test(source) ? undefined : RE2JS.compile(source, flags | RE2JS.MULTILINE);

  return (bytes, most) => {
    const { text, offsetOf } = decode(bytes);
    if (gate) gate.lastIndex = 0;
    if (gate ? !gate.test(text) : whole && !whole.test(text)) return [];
    const found: LineMatch[] = [];
    const counter = createLineCounter(text);
    for (const { start, end } of gate ? gatedLines(text, gate) : lines(text)) {
      const line = text.slice(start, end);
      if (!matcher.test(line)) continue;
      const match = matcher.matcher(line);
      if (!match.find()) continue;
      const from = start + match.start();
      found.push({
        line: counter(start),
        start: offsetOf(from),
        end: offsetOf(start + match.end()),
        text: toWindow(line, match.start()),
        ...contextOf(text, { start, end }, sought.context),
      });
      if (found.length >= most) break;
    }
    return found;
  };
}

const toLiteral = (text: string): string => text.replace(/[\\^$.|?*+()[\]{}/]/g, "\\$&");

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Text whose places are known in bytes. Bytes that are no UTF-8 are read as Latin-1, a byte a character. */
function decode(bytes: Buffer): { readonly text: string; offsetOf(index: number): number } {
  if (isAscii(bytes) || !isUtf8(bytes)) return { text: bytes.toString("latin1"), offsetOf: (index) => index };
  const text = bytes.toString("utf8");
  let known = { index: 0, offset: 0 };
  return {
    text,
    offsetOf(index) {
      if (index < known.index) known = { index: 0, offset: 0 };
      known = { index, offset: known.offset + Buffer.byteLength(text.slice(known.index, index)) };
      return known.offset;
    },
  };
}

function* lines(text: string): Generator<Span> {
  for (let start = 0; start < text.length; ) {
    const next = text.indexOf("\n", start);
    const end = next < 0 ? text.length : next;
    yield withoutReturn(text, start, end);
    start = end + 1;
  }
}

function* gatedLines(text: string, gate: RegExp): Generator<Span> {
  gate.lastIndex = 0;
  for (let hit = gate.exec(text); hit; hit = gate.exec(text)) {
    const start = hit.index === 0 ? 0 : text.lastIndexOf("\n", hit.index - 1) + 1;
    const next = text.indexOf("\n", hit.index);
    const end = next < 0 ? text.length : next;
    yield withoutReturn(text, start, end);
    gate.lastIndex = end + 1;
    if (end >= text.length) return;
  }
}

const withoutReturn = (text: string, start: number, end: number): Span => ({
  start,
  end: end > start && text[end - 1] === "\r" ? end - 1 : end,
});

function createLineCounter(text: string): (start: number) => number {
  let line = 1;
  let at = 0;
  return (start) => {
    for (let next = text.indexOf("\n", at); next >= 0 && next < start; next = text.indexOf("\n", at)) {
      line++;
      at = next + 1;
    }
    return line;
  };
}

function toWindow(line: string, match: number): string {
  if (line.length <= longestLine) return line;
  const from = Math.max(0, Math.min(match - lead, line.length - longestLine));
  const cut = line.slice(from, from + longestLine).replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, "");
  return `${from > 0 ? "…" : ""}${cut}${from + longestLine < line.length ? "…" : ""}`;
}

function contextOf(text: string, { start, end }: Span, count: number): Pick<LineMatch, "before" | "after"> {
  if (count === 0) return {};
  const before: string[] = [];
  for (let at = start; before.length < count && at > 0; ) {
    const from = at < 2 ? 0 : text.lastIndexOf("\n", at - 2) + 1;
    before.unshift(shorten(text.slice(from, at - 1)));
    at = from;
  }
  const after: string[] = [];
  for (let at = text.indexOf("\n", end) + 1; after.length < count && at > 0 && at < text.length; ) {
    const next = text.indexOf("\n", at);
    after.push(shorten(text.slice(at, next < 0 ? text.length : next)));
    at = next + 1;
  }
  return { before, after };
}

const shorten = (line: string): string => {
  const bare = line.replace(/\r$/, "");
  return bare.length <= longestContext ? bare : `${bare.slice(0, longestContext).replace(/[\ud800-\udbff]$/, "")}…`;
};
