import { invisible, isAlnum, lower, type Page, special, textOf, traitAt, upper } from "./page.ts";

/** A stretch of a page as it reads once its escapes are undone, with the place in the page of each of its bytes. */
export interface View {
  readonly page: Page;
  readonly from: Int32Array;
}

const reach = 4_096;
const context = 64;

/** Views of the stretches around the places where something may hide: each from blank to blank, with a little before it. */
export function* unescapedViews(page: Page, specials: readonly number[]): Generator<View> {
  let done = 0;
  for (const at of specials) {
    if (at < done) continue;
    const start = stretchStart(page, at, done);
    const end = stretchEnd(page, at);
    const view = undo(page, Math.max(done, start - context), end);
    done = end;
    if (view) yield view;
  }
}

function stretchStart({ bytes }: Page, at: number, least: number): number {
  let start = at;
  while (start > least && at - start < reach && !isBlank(bytes[start - 1] ?? 0)) start--;
  return start;
}

/** To the next blank that no soft line break, sign or invisible character bridges. */
function stretchEnd(page: Page, at: number): number {
  const { bytes, length } = page;
  let end = at;
  while (end < length && end - at < 4 * reach) {
    const step = read(page, end);
    if (step.taken > 1 || step.byte < 0) end += Math.max(1, step.taken);
    else if (isBlank(bytes[end] ?? 0) && !isUnseen(bytes[end + 1])) return end;
    else end++;
  }
  return Math.min(end, length);
}

/** Whether what stands at a special character can hide text: an escape, or a mark within a word, and not merely a sign. */
export function mayHide(page: Page, at: number): boolean {
  const { bytes } = page;
  const next = bytes[at + 1] ?? 0;
  switch (bytes[at]) {
    case 0x25:
      return hexAt(bytes, at + 1, 2) >= 0;
    case 0x5c:
      // What stands beside a written-out break or quote is found as it stands.
      return next === 0x75 || next === 0x78 || next === 0x2f || next === 0x0a || (next >= 0x30 && next <= 0x33);
    case 0x26:
      return (next === 0x23 || isAlnum(bytes, at + 1)) && entity(page, at).taken > 1;
    case 0x3c: {
      // Between blanks, or beside another mark, it is layout.
      if (isLayout(bytes[at - 1] ?? 0x20)) return false;
      const { taken } = tag(page, at);
      return taken > 1 && !isLayout(bytes[at + taken] ?? 0x20);
    }
    default:
      return true;
  }
}

const isUnseen = (byte: number | undefined): boolean => byte === invisible || byte === 0xad || byte === 0x1b;

const isLayout = (byte: number): boolean => byte <= 0x20 || byte === 0x3c || byte === 0x3e;

const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

function undo(page: Page, start: number, end: number): View | undefined {
  const out = new Uint8Array(end - start);
  const from = new Int32Array(end - start + 1);
  let length = 0;
  let changed = false;
  for (let at = start; at < end; ) {
    const { byte, taken } = read(page, at);
    if (taken > 1 || byte < 0) changed = true;
    if (byte >= 0) {
      from[length] = at;
      out[length++] = byte;
    }
    at += Math.max(1, taken);
  }
  from[length] = end;
  return changed ? { page: { bytes: out, length }, from: from.subarray(0, length + 1) } : undefined;
}

interface Step {
  /** What is read, or -1 for nothing. */
  readonly byte: number;
  readonly taken: number;
}

const plain: { byte: number; taken: number } = { byte: 0, taken: 1 };
const nothing = (taken: number): Step => ({ byte: -1, taken });

/** Reads one character at `at`, undoing whatever stands there. */
function read(page: Page, at: number): Step {
  const { bytes } = page;
  const byte = bytes[at] ?? 0;
  if ((traitAt(bytes, at) & special) !== 0) {
    if (byte === 0x25) return percent(bytes, at);
    if (byte === 0x5c) return backslash(bytes, at);
    if (byte === 0x26) return entity(page, at);
    if (byte === 0x3c) return tag(page, at);
    if (byte === 0x1b) return escapeSequence(page, at);
    return nothing(1);
  }
  const soft = softBreak(page, at);
  if (soft > 0) return nothing(soft);
  plain.byte = byte;
  return plain;
}

const same = (byte: number): Step => ({ byte, taken: 1 });

function hexAt(bytes: Uint8Array, at: number, digits: number): number {
  let value = 0;
  for (let i = at; i < at + digits; i++) {
    const byte = bytes[i] ?? 0;
    const folded = byte | 0x20;
    if (byte >= 0x30 && byte <= 0x39) value = value * 16 + byte - 0x30;
    else if (folded >= 0x61 && folded <= 0x66) value = value * 16 + folded - 0x57;
    else return -1;
  }
  return value;
}

const narrow = (value: number): number => (value < 0x100 ? value : 0xff);

function percent(bytes: Uint8Array, at: number): Step {
  const value = hexAt(bytes, at + 1, 2);
  return value < 0 ? same(0x25) : { byte: value, taken: 3 };
}

/** JSON's and JavaScript's escapes (RFC 8259, 7), octal ones, and an escaped solidus. */
function backslash(bytes: Uint8Array, at: number): Step {
  const next = bytes[at + 1] ?? 0;
  if (next === 0x75) {
    const value = bytes[at + 2] === 0x7b ? -1 : hexAt(bytes, at + 2, 4);
    if (value >= 0) return isZeroWidth(value) ? nothing(6) : { byte: narrow(value), taken: 6 };
  }
  if (next === 0x78) {
    const value = hexAt(bytes, at + 2, 2);
    if (value >= 0) return { byte: value, taken: 4 };
  }
  if (next >= 0x30 && next <= 0x33) {
    const value = Number.parseInt(String.fromCharCode(next, bytes[at + 2] ?? 0, bytes[at + 3] ?? 0), 8);
    if (Number.isInteger(value) && value >= 0x20 && value < 0x80) return { byte: value, taken: 4 };
  }
  if (next === 0x6e || next === 0x72) return { byte: 0x0a, taken: 2 };
  if (next === 0x74) return { byte: 0x09, taken: 2 };
  if (next === 0x2f || next === 0x5c || next === 0x22 || next === 0x27) return { byte: next, taken: 2 };
  // A backslash at a line's end joins it to the next.
  if (next === 0x0a) return nothing(2);
  return same(0x5c);
}

const isZeroWidth = (value: number): boolean =>
  (value >= 0x200b && value <= 0x200f) || value === 0xad || value === 0xfeff || value === 0x2060;

const entities: Readonly<Record<string, number>> = {
  amp: 0x26,
  lt: 0x3c,
  gt: 0x3e,
  quot: 0x22,
  apos: 0x27,
  nbsp: 0x20,
  sol: 0x2f,
  bsol: 0x5c,
  equals: 0x3d,
  plus: 0x2b,
  lowbar: 0x5f,
  UnderBar: 0x5f,
  hyphen: 0x2d,
  dash: 0x2d,
  period: 0x2e,
  colon: 0x3a,
  num: 0x23,
  dollar: 0x24,
  percnt: 0x25,
  commat: 0x40,
  shy: invisible,
  zwnj: invisible,
  zwj: invisible,
};

function entity(page: Page, at: number): Step {
  const { bytes, length } = page;
  let end = at + 1;
  if (bytes[end] === 0x23) end++;
  while (end < length && end - at < 11 && isAlnum(bytes, end)) end++;
  if (bytes[end] !== 0x3b || end >= length || end === at + 1) return same(0x26);
  const name = textOf(page, at + 1, end);
  const number = /^#(?:x([0-9a-f]{1,6})|([0-9]{1,7}))$/i.exec(name);
  const value = number ? Number.parseInt(number[1] ?? number[2] ?? "", number[1] ? 16 : 10) : entities[name];
  if (value === undefined) return same(0x26);
  const taken = end + 1 - at;
  return value === invisible || isZeroWidth(value) ? nothing(taken) : { byte: narrow(value), taken };
}

const marks = new Set([
  "em",
  "mark",
  "b",
  "i",
  "u",
  "strong",
  "span",
  "wbr",
  "hl",
  "highlight",
  "code",
  "font",
  "s",
  "a",
  "sub",
  "sup",
  "br",
]);

/** Marks that a highlighter sets in the middle of a word. */
function tag(page: Page, at: number): Step {
  const { bytes, length } = page;
  const start = bytes[at + 1] === 0x2f ? at + 2 : at + 1;
  let end = start;
  while (end < length && end - start < 10 && (traitAt(bytes, end) & (lower | upper)) !== 0) end++;
  if (end === start || (bytes[end] !== 0x3e && bytes[end] !== 0x20 && bytes[end] !== 0x2f)) return same(0x3c);
  if (!marks.has(textOf(page, start, end).toLowerCase())) return same(0x3c);
  const limit = Math.min(length, end + 200);
  while (end < limit && bytes[end] !== 0x3e && bytes[end] !== 0x3c) end++;
  return end < limit && bytes[end] === 0x3e ? nothing(end + 1 - at) : same(0x3c);
}

/** ECMA-48: a control sequence or an operating system command. */
function escapeSequence({ bytes, length }: Page, at: number): Step {
  let end = at + 1;
  if (bytes[end] === 0x5d) {
    while (end < length && end - at < 512 && bytes[end] !== 0x07 && bytes[end] !== 0x1b) end++;
    return nothing(Math.min(length, bytes[end] === 0x1b ? end + 2 : end + 1) - at);
  }
  if (bytes[end] === 0x5b) {
    end++;
    while (end < length && end - at < 32 && (bytes[end] ?? 0) >= 0x20 && (bytes[end] ?? 0) <= 0x3f) end++;
  }
  return nothing(Math.min(length, end + 1) - at);
}

/** Quoted-printable's soft line break (RFC 2045, 6.7), with a mark of a quotation or a difference after it. */
function softBreak({ bytes }: Page, at: number): number {
  if (bytes[at] !== 0x3d) return 0;
  if (bytes[at + 1] === 0x0a) return 2;
  return bytes[at + 1] === 0x0d && bytes[at + 2] === 0x0a ? 3 : 0;
}
