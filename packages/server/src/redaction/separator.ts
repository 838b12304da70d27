import type { Writing } from "./judge.ts";
import { isAlnum, type Page } from "./page.ts";

export interface Separator {
  /** Where the value begins. */
  readonly end: number;
  readonly writing: Writing;
  /** Whether only a quoted value counts. */
  readonly quoted: boolean;
}

const blank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09;
const breaks = (byte: number | undefined): boolean => byte === 0x0a || byte === 0x0d;
const isQuote = (byte: number | undefined): boolean => byte === 0x22 || byte === 0x27 || byte === 0x60;
const code = (character: string): number => character.charCodeAt(0);
const setOf = (characters: string): Uint8Array => {
  const set = new Uint8Array(256);
  for (const character of characters) set[code(character)] = 1;
  return set;
};
const closers = setOf("\\\"'`])*");
const operators = setOf("?.:+|!=~-");

/** What stands between a name and its value, or undefined when nothing is given to the name. */
export function findSeparator(page: Page, left: number, right: number): Separator | undefined {
  const { bytes, length } = page;
  let at = right;
  let named = false;
  if (bytes[at] === code("[")) {
    const end = bytes.indexOf(code("]"), at);
    if (end > at && end - at < 8) at = end + 1;
  }
  for (let most = 0; most < 6 && at < length && closers[bytes[at] ?? 0] === 1; most++, at++) {
    if (isQuote(bytes[at])) named = true;
  }
  const close = at;
  at = skipBlanks(page, at);
  if (at >= length) return undefined;
  const byte = bytes[at] ?? 0;
  const after = at;
  if (operators[byte] === 1) return fromOperator(page, { left, right, close, at, named });
  if (byte === code(">") && bytes[left - 1] === code("<"))
    return { end: skipSpace(page, at + 1), writing: "bare", quoted: false };
  if (byte === code(",") && named && isQuote(bytes[left - 1])) {
    const value = afterValueWord(page, at + 1);
    if (value !== undefined) return { end: value, writing: "bare", quoted: false };
    // An argument after its name; in a list the next item need not belong to it.
    const argument = bytes[left - 2] === code("(");
    return { end: skipSpace(page, at + 1), writing: argument ? "quoted" : "loose", quoted: true };
  }
  if (byte === code("(")) return { end: at + 1, writing: "loose", quoted: true };
  if (isQuote(byte) || (byte === code("@") && isQuote(bytes[at + 1])))
    return at > close ? { end: at, writing: "loose", quoted: true } : undefined;
  if (bytes[left] === code("-") && at > close && byte !== code("-"))
    return { end: at, writing: "environment", quoted: false };
  if (named || breaks(byte)) {
    const value = afterValueWord(page, at);
    if (value !== undefined) return { end: value, writing: "bare", quoted: false };
  }
  if (at === close) return undefined;
  return afterWord(page, after, left);
}

/** ` is `, a declared type before `=`, or a `login … password …` line. */
function afterWord(page: Page, at: number, left: number): Separator | undefined {
  const { bytes, length } = page;
  let end = at;
  while (end < length && end - at < 16 && isAlnum(bytes, end)) end++;
  const word = String.fromCharCode(...bytes.subarray(at, end)).toLowerCase();
  const next = skipBlanks(page, end);
  if (next > end && (word === "is" || word === "was" || word === "ist" || word === "to"))
    return { end: skipBlanks(page, bytes[next] === code(":") ? next + 1 : next), writing: "loose", quoted: false };
  if (bytes[next] === code("=") && bytes[next + 1] !== code("="))
    return { end: skipBlanks(page, next + 1), writing: "quoted", quoted: true };
  return { end: at, writing: isAfterLogin(bytes, left) ? "environment" : "beside", quoted: false };
}

/** Whether `login NAME` stands before (as in .netrc). */
function isAfterLogin(bytes: Uint8Array, left: number): boolean {
  let at = backOver(bytes, left, true);
  if (at === left) return false;
  at = backOver(bytes, backOver(bytes, at, false), true);
  const word = String.fromCharCode(...bytes.subarray(backOver(bytes, at, false), at)).toLowerCase();
  return word === "login" || word === "user" || word === "machine";
}

/** Back over blanks and breaks, or over anything else. */
function backOver(bytes: Uint8Array, from: number, blanks: boolean): number {
  let at = from;
  while (at > 0 && from - at < 64 && (blank(bytes[at - 1]) || breaks(bytes[at - 1])) === blanks) at--;
  return at;
}

interface Around {
  readonly left: number;
  readonly right: number;
  readonly close: number;
  readonly at: number;
  readonly named: boolean;
}

function fromOperator(page: Page, { left, right, close, at, named }: Around): Separator | undefined {
  const { bytes, length } = page;
  let end = at;
  let gives = 0;
  let bars = 0;
  while (end < length && end - at < 6 && operators[bytes[end] ?? 0] === 1) {
    if (bytes[end] === code(":") || bytes[end] === code("=")) gives++;
    if (bytes[end] === code("|")) bars++;
    end++;
  }
  if (gives === 0 && bars === 0) return undefined;
  if (bytes[end] === code(">")) end++;
  const tight = end === close + 1 && bytes[at] === code("=");
  let value = skipBlanks(page, end);
  if (gives === 0) return { end: value, writing: bars === 2 ? "quoted" : "loose", quoted: bars === 2 };
  if (bytes[at] === code(":")) {
    const typed = afterType(page, value);
    if (typed !== undefined) return { end: typed, writing: "quoted", quoted: true };
    const block = afterBlockSign(page, value);
    if (block !== undefined) return { end: block, writing: "bare", quoted: false };
    if (named && breaks(bytes[value])) value = skipSpace(page, value);
  }
  const shell =
    tight && value === end && right === close && !/[a-z]/.test(String.fromCharCode(...bytes.subarray(left, right)));
  const line = tight && value === end && right === close && (left === 0 || breaks(bytes[left - 1]));
  return { end: value, writing: shell || line ? "environment" : "bare", quoted: false };
}

/** `: string = `. */
function afterType(page: Page, at: number): number | undefined {
  const { bytes, length } = page;
  let end = at;
  while (end < length && end - at < 24 && (isAlnum(bytes, end) || bytes[end] === code("&") || bytes[end] === code("[")))
    end++;
  if (end === at) return undefined;
  while (bytes[end] === code("]") || bytes[end] === code("?")) end++;
  const next = skipBlanks(page, end);
  if (bytes[next] !== code("=") || next === end) return undefined;
  return skipBlanks(page, next + 1);
}

/** YAML's `|` and `>` before a block. */
function afterBlockSign(page: Page, at: number): number | undefined {
  const { bytes } = page;
  if (bytes[at] !== code("|") && bytes[at] !== code(">")) return undefined;
  const end = bytes[at + 1] === code("-") || bytes[at + 1] === code("+") ? at + 2 : at + 1;
  return breaks(bytes[end]) ? skipSpace(page, end) : undefined;
}

/** `name: X, value: …`, `key="X" value="…"`: past the word for value and its operator. */
function afterValueWord(page: Page, from: number): number | undefined {
  const { bytes, length } = page;
  let at = skipSpace(page, from);
  if (bytes[at] === code(",")) at = skipSpace(page, at + 1);
  if (isQuote(bytes[at])) at++;
  let end = at;
  while (end < length && end - at < 16 && (isAlnum(bytes, end) || bytes[end] === code("_"))) end++;
  const word = String.fromCharCode(...bytes.subarray(at, end)).toLowerCase();
  if (!word.endsWith("value") && word !== "content") return undefined;
  if (isQuote(bytes[end])) end++;
  end = skipBlanks(page, end);
  if (bytes[end] !== code(":") && bytes[end] !== code("=")) return undefined;
  return skipBlanks(page, end + 1);
}

function skipBlanks({ bytes, length }: Page, from: number): number {
  let at = from;
  while (at < length && at - from < 64 && blank(bytes[at])) at++;
  return at;
}

function skipSpace({ bytes, length }: Page, from: number): number {
  let at = from;
  while (at < length && at - from < 128 && (blank(bytes[at]) || breaks(bytes[at]))) at++;
  return at;
}
