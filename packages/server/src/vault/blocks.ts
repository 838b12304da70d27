import { type Found, scanInline } from "./inline.ts";
import { bounds, type Heading } from "./note.ts";

interface Line {
  readonly start: number;
  /** Without the line break. */
  readonly end: number;
  readonly next: number;
  /** Where its content begins, behind indentation and the marks of quotes and lists. */
  readonly content: number;
  /** Columns of white space at its beginning. */
  readonly indent: number;
  readonly quoted: boolean;
  readonly item: boolean;
}

/** Marks of quotes and list items, and the white space around them. */
const containers = /(?:[ \t]*(?:>|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t])))*[ \t]*/y;
const fence = /(`{3,}|~{3,})([^\n]*)/y;
const atx = /(#{1,6})(?:[ \t]+|(?=\r?(?:\n|$)))/y;
const underline = /[ \t]{0,3}(=+|-+)[ \t]*\r?(?=\n|$)/y;

/** Walks through a note by its blocks (CommonMark 4): collects headings and reads running text, not code. */
export function scanBlocks(text: string, from: number, found: Found, headings: Heading[]): void {
  let afterBlank = true;
  let inList = false;
  for (let at = from; at < text.length; ) {
    if (at > from && text.charCodeAt(at - 1) !== 10) {
      // Behind a comment that has ended on this line.
      const { end, next } = lineAt(text, at);
      at = Math.max(next, scanInline(text, { start: at, end }, found));
      afterBlank = false;
      continue;
    }
    const line = lineAt(text, at);
    if (isBlank(line)) {
      afterBlank = true;
      at = line.next;
      continue;
    }
    if (line.item) inList = true;
    else if (afterBlank && line.indent === 0) inList = false;
    if (line.indent >= 4 && afterBlank && !inList && !line.quoted) {
      at = skipIndented(text, line);
      continue;
    }
    afterBlank = false;
    const mark = fenceAt(text, line);
    if (mark !== undefined) {
      at = skipFence(text, line, mark);
      continue;
    }
    const heading = matchAt(atx, text, line.content)?.[1];
    if (heading !== undefined) {
      const content = atx.lastIndex;
      add(headings, { level: heading.length, text: plain(text.slice(content, line.end)), start: line.start });
      at = Math.max(line.next, scanInline(text, { start: content, end: line.end }, found));
      continue;
    }
    const { end, next, level } = paragraph(text, line);
    if (level !== undefined) add(headings, { level, text: plain(text.slice(line.content, end)), start: line.start });
    at = Math.max(next, scanInline(text, { start: line.content, end }, found));
  }
}

function add(headings: Heading[], heading: Heading): void {
  if (headings.length < bounds.headings) headings.push(heading);
}

const plain = (heading: string): string =>
  heading
    .slice(0, bounds.nameLength)
    .replace(/(?:^|[ \t])#+[ \t]*\r?$/, "")
    .trim();

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

const isBlank = ({ content, end }: Line): boolean => content >= end;

function lineAt(text: string, start: number): Line {
  const newline = text.indexOf("\n", start);
  const next = newline < 0 ? text.length : newline + 1;
  let end = newline < 0 ? text.length : newline;
  if (text.charCodeAt(end - 1) === 13) end--;
  let content = start;
  let indent = 0;
  for (; content < end; content++) {
    const code = text.charCodeAt(content);
    if (code === 32) indent++;
    else if (code === 9) indent += 4 - (indent % 4);
    else break;
  }
  const first = text.charCodeAt(content);
  // `>`, the marks of lists, and digits: few lines begin with one.
  const contained =
    content < end && (first === 62 || first === 45 || first === 43 || first === 42 || (first >= 48 && first <= 57));
  if (contained && matchAt(containers, text, content)) content = Math.min(end, containers.lastIndex);
  const quoted = contained && first === 62;
  return { start, end, next, content, indent, quoted, item: contained && !quoted && content > start + indent };
}

function fenceAt(text: string, { content, end }: Line): string | undefined {
  const first = text.charCodeAt(content);
  if (first !== 96 && first !== 126) return undefined;
  const found = matchAt(fence, text, content);
  const mark = found?.[1];
  if (mark === undefined || content + mark.length > end) return undefined;
  // Behind backticks there is no other on the line, or it is a code span.
  return mark.startsWith("`") && found?.[2]?.includes("`") ? undefined : mark;
}

/** Where the line behind a code fence's end begins. One that is not closed reaches to the end of its quote or of the note. */
function skipFence(text: string, opening: Line, mark: string): number {
  let at = opening.next;
  while (at < text.length) {
    const line = lineAt(text, at);
    if (opening.quoted && !line.quoted) return at;
    at = line.next;
    const closing = matchAt(fence, text, line.content);
    const run = closing?.[1];
    if (run?.startsWith(mark) && closing?.[2]?.trim() === "") return at;
  }
  return at;
}

function skipIndented(text: string, first: Line): number {
  let at = first.next;
  while (at < text.length) {
    const line = lineAt(text, at);
    if (line.indent < 4 && !isBlank(line)) return at;
    at = line.next;
  }
  return at;
}

/** Where the running text that begins with a line ends; `level` when it is a heading by the line below it. */
function paragraph(
  text: string,
  first: Line,
): { readonly end: number; readonly next: number; readonly level?: number } {
  let last = first;
  while (last.next < text.length) {
    if (last === first && !first.item && !first.quoted) {
      const under = matchAt(underline, text, last.next)?.[1];
      if (under !== undefined) {
        return { end: first.end, next: lineAt(text, last.next).next, level: under.startsWith("=") ? 1 : 2 };
      }
    }
    const line = lineAt(text, last.next);
    const breaks =
      isBlank(line) ||
      line.item ||
      line.quoted !== first.quoted ||
      fenceAt(text, line) !== undefined ||
      matchAt(atx, text, line.content);
    if (breaks) break;
    last = line;
  }
  return { end: last.end, next: last.next };
}
