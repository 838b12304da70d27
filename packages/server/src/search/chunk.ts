import { type Heading, toHeading } from "./headings.ts";
import type { TextKind } from "./text-kind.ts";

/** `[start, end)` in bytes. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Sizes in bytes: a heading cuts what is at least a `section`, a paragraph's end what is `enough`; `most` is the limit, at which no piece below
 * `least` is made without need; what must not be cut may grow to `unbroken`.
 */
export const sizes = { section: 200, least: 400, enough: 1_200, most: 2_000, unbroken: 8_192 } as const;
/** Of source code more is taken together: what a function is for stands in fewer words, further apart. */
const codeSizes = { ...sizes, enough: 1_500, most: 2_800 } as const;

/** How good a place is to cut before a line. */
const cut = { never: 0, line: 1, paragraph: 2, heading: 3 } as const;

interface Line extends Span {
  readonly cut: number;
}

/**
 * Cuts a text into passages, by its raw bytes: at headings, else between paragraphs, else between lines, and inside of a line only when it is
 * longer than a passage. Every byte that is not white space (or a byte order mark) lies in exactly one span; spans are in order; none begins
 * or ends inside of a UTF-8 code point or a CRLF. A PEM block, and a line that ends in `:` or `=` with the next, stay together up to
 * `sizes.unbroken`, since half a secret is one that no detector knows.
 */
export function chunk(bytes: Buffer, kind: TextKind): readonly Span[] {
  return chunkWithHeadings(bytes, kind).spans;
}

/** The passages of a text, and the headings that it has when it is markdown. */
export function chunkWithHeadings(
  bytes: Buffer,
  kind: TextKind,
): { readonly spans: readonly Span[]; readonly headings: readonly Heading[] } {
  const headings: Heading[] = [];
  const limits = kind === "code" ? codeSizes : sizes;
  const spans: Span[] = [];
  const push = (span: Span): void => {
    const trimmed = trim(bytes, span);
    if (trimmed.end > trimmed.start) spans.push(trimmed);
  };
  let start = -1;
  let end = 0;
  let places: Line[] = [];
  for (const line of toLines(bytes, kind)) {
    if (line.cut === cut.heading) {
      const heading = toHeading(bytes.toString("utf8", line.start, Math.min(line.end, line.start + 1_000)), line.start);
      if (heading) headings.push(heading);
    }
    if (start < 0) start = line.start;
    const size = line.start - start;
    const wanted =
      (line.cut === cut.heading && size >= sizes.section) || (line.cut === cut.paragraph && size >= limits.enough);
    if (wanted) {
      push({ start, end: line.start });
      start = line.start;
      places = [];
    } else if (line.cut !== cut.never && line.start > start) places.push(line);
    end = line.end;
    while (end - start > limits.most) {
      const at =
        bestPlace(places, start, limits.most) ?? (end - start > sizes.unbroken ? insideLine(bytes, start) : undefined);
      if (at === undefined) {
        // No place yet: a line too long is cut inside, anything else may grow a little.
        if (line.start > start || line.cut === cut.never) break;
        const inside = insideLine(bytes, start);
        if (inside >= end) break;
        push({ start, end: inside });
        start = inside;
        continue;
      }
      push({ start, end: at });
      start = at;
      places = places.filter((place) => place.start > at);
    }
  }
  if (start >= 0) push({ start, end });
  return { spans, headings };
}

function bestPlace(places: readonly Line[], start: number, most: number): number | undefined {
  let best: Line | undefined;
  for (const place of places) {
    if (best && place.start - start > most) break;
    const better = best === undefined || best.start - start < sizes.least || place.cut >= best.cut;
    if (better) best = place;
  }
  return best?.start;
}

/** Where to cut a line that is too long: after white space, else after a whole token up to `unbroken`, else before a code point. */
function insideLine(bytes: Buffer, start: number): number {
  const most = Math.min(start + sizes.most, bytes.length);
  for (let at = most; at > start + sizes.least; at--) if (isSpace(bytes[at - 1]) && !isInsideCrlf(bytes, at)) return at;
  const unbroken = Math.min(start + sizes.unbroken, bytes.length);
  for (let at = most + 1; at <= unbroken; at++) if (isSpace(bytes[at - 1]) && !isInsideCrlf(bytes, at)) return at;
  if (unbroken === bytes.length) return bytes.length;
  let at = unbroken;
  while (at > unbroken - 3 && isContinuation(bytes[at])) at--;
  // Four continuation bytes in a row are no UTF-8, so there is no code point to spare.
  return isContinuation(bytes[at]) ? unbroken : at;
}

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;
const isSpace = (byte: number | undefined): boolean => byte === 0x20 || (byte !== undefined && byte >= 9 && byte <= 13);
const isInsideCrlf = (bytes: Buffer, at: number): boolean => bytes[at - 1] === 0x0d && bytes[at] === 0x0a;

function* toLines(bytes: Buffer, kind: TextKind): Generator<Line> {
  let position = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  const first = position;
  let fence: string | undefined;
  let frontmatter = false;
  let pem = false;
  let blankBefore = true;
  let bound = false;
  while (position < bytes.length) {
    const newline = bytes.indexOf(0x0a, position);
    const end = newline < 0 ? bytes.length : newline + 1;
    const head = bytes.toString("latin1", position, Math.min(end, position + 200));
    const blank = /^\s*$/.test(head) && end - position < 200;
    let place: number = bound || pem ? cut.never : blankBefore && !blank ? cut.paragraph : cut.line;
    if (kind === "markdown") {
      if (frontmatter) {
        place = cut.never;
        if (/^(---|\.\.\.)\s*$/.test(head)) frontmatter = false;
      } else if (position === first && /^---\s*$/.test(head)) frontmatter = true;
      else if (fence !== undefined) {
        place = Math.min(place, cut.line);
        if (head.trimStart().startsWith(fence)) fence = undefined;
      } else {
        fence = /^ {0,3}(`{3,}|~{3,})/.exec(head)?.[1];
        if (/^ {0,3}#{1,6}\s/.test(head) && !pem) place = cut.heading;
      }
    } else if (kind === "code" && place === cut.paragraph && /^\s/.test(head)) place = cut.line;
    yield { start: position, end, cut: place };
    if (/-----BEGIN [A-Z0-9 ]+-----/.test(head)) pem = true;
    if (/-----END [A-Z0-9 ]+-----/.test(head)) pem = false;
    if (!blank) bound = /[:=\\]\s*$/.test(bytes.toString("latin1", Math.max(position, end - 8), end));
    else if (blankBefore) bound = false;
    blankBefore = blank;
    position = end;
  }
}

/** Without blank lines before and white space behind. */
function trim(bytes: Buffer, span: Span): Span {
  let { start, end } = span;
  while (end > start && isSpace(bytes[end - 1])) end--;
  for (let at = start; at < end && isSpace(bytes[at]); at++) if (bytes[at] === 0x0a) start = at + 1;
  return { start, end };
}
