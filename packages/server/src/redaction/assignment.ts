import type { GramIndex } from "./gram-index.ts";
import { isSecretValue, type Writing } from "./judge.ts";
import { isAlnum, type Page, textOf } from "./page.ts";
import type { Scan } from "./scan.ts";
import { type SecretName, weighName } from "./secret-names.ts";
import { findSeparator } from "./separator.ts";
import { measure } from "./token-shape.ts";

const longestName = 64;
const longestValue = 1_024;
/** A longer value is judged by its beginning. */
const judged = 256;

const afterAny = "\0abcdefghijklmnopqrstuvwxyz0123456789_-. \"'`/({[<,$:@\n\r\t";

/** Adds the words by which names of secrets are known. */
export function addAssignments(index: GramIndex<Scan>): void {
  for (const word of [
    "passw",
    "passp",
    "secret",
    "token",
    "authori",
    "_auth",
    "authkey",
    "credential",
    "creds",
    "cookie",
    "bearer",
  ])
    index.add(word, matchAssignment, false);
  for (const word of [
    "passc",
    "pass_",
    "_pass",
    "dbpass",
    "kennwort",
    "senha",
    "phpsessid",
    "sessionid",
    "session_id",
    "connectionstring",
  ])
    index.add(word, matchAssignment, false);
  // The sign after a short word is not of it.
  for (const word of ["pass", "pw", "psw"])
    for (const sign of ":= \"'")
      index.add(word + sign, (scan, start, end) => matchAssignment(scan, start, end - 1), false);
  for (const word of ["key", "pwd", "pat", "jwt"]) index.addAfter(word, afterAny, matchAssignment);
}

/** Judges what follows a name that holds a secret's word: `apiKey: "…"`, `DB_PASSWORD=…`, `<token>…`, `Authorization: Bearer …`. */
export function matchAssignment(scan: Scan, start: number, end: number): void {
  if (start < scan.nameEnd || !scan.text) return;
  const { page } = scan;
  const { bytes, length } = page;
  let left = start;
  while (left > 0 && start - left < longestName && isNameByte(bytes, left - 1)) left--;
  let right = end;
  while (right < length && right - end < longestName && isNameByte(bytes, right)) right++;
  scan.nameEnd = right;
  // The kind that a mask tells names nothing.
  if (bytes[right] === 0x5d && bytes[left - 1] === 0x3a && textOf(page, left - 10, left) === "[redacted:") return;
  while (right > end && (bytes[right - 1] === 0x2e || bytes[right - 1] === 0x2d)) right--;
  scan.hintEnd = right;
  scan.spend(12);
  const separator = findSeparator(page, left, right);
  const compared = beforeComparison(scan, left);
  if (!separator && !compared) return;
  const name = weighName(textOf(page, left, right));
  if (name.weight === "none") return;
  if (compared) judgeCompared(scan, compared, name);
  if (!separator) return;
  const value = readValue(page, separator.end, { ...separator, query: isQuery(bytes, left) });
  if (!value) return;
  scan.spend(4 * (value.end - value.start) + 400);
  const from =
    name.kind === "authorization" || (separator.writing !== "loose" && separator.writing !== "beside")
      ? afterScheme(page, value)
      : value.start;
  const to = Math.min(value.end, from + judged);
  const shape = measure(bytes, from, to);
  if (isSecretValue(name.weight, textOf(page, from, to), { writing: value.writing, shape }))
    scan.add(from, value.end, name.kind);
}

/** `"…" == password`: the literal that a name is compared with stands before it. */
function beforeComparison(scan: Scan, left: number): Value | undefined {
  const { bytes } = scan.page;
  let at = left;
  while (at > 0 && left - at < 8 && bytes[at - 1] === 0x20) at--;
  let signs = 0;
  while (at > 0 && signs < 3 && (bytes[at - 1] === 0x3d || bytes[at - 1] === 0x21)) {
    at--;
    signs++;
  }
  if (signs < 2) return undefined;
  while (at > 0 && left - at < 16 && bytes[at - 1] === 0x20) at--;
  const end = at - 1;
  const quote = bytes[end];
  if (quote !== 0x22 && quote !== 0x27 && quote !== 0x60) return undefined;
  scan.spend(judged);
  for (let start = end; start > 0 && end - start < judged; start--) {
    const byte = bytes[start - 1];
    if (byte === 0x0a) return undefined;
    if (byte === quote) return start === end ? undefined : { start, end, writing: "loose" };
  }
  return undefined;
}

function judgeCompared(scan: Scan, { start, end, writing }: Value, { weight, kind }: SecretName): void {
  const { page } = scan;
  scan.spend(4 * (end - start) + 400);
  if (isSecretValue(weight, textOf(page, start, end), { writing, shape: measure(page.bytes, start, end) }))
    scan.add(start, end, kind);
}

const isNameByte = (bytes: Uint8Array, at: number): boolean => {
  const byte = bytes[at] ?? 0;
  return isAlnum(bytes, at) || byte === 0x5f || byte === 0x2d || byte === 0x2e || byte === 0x24;
};

const isQuery = (bytes: Uint8Array, left: number): boolean =>
  left > 0 && (bytes[left - 1] === 0x26 || bytes[left - 1] === 0x3f);

interface Value {
  readonly start: number;
  readonly end: number;
  readonly writing: Writing;
}

interface Before {
  readonly writing: Writing;
  readonly quoted: boolean;
  /** In a URL's query a value ends at `&`. */
  readonly query: boolean;
}

function readValue(page: Page, from: number, before: Before): Value | undefined {
  const { bytes, length } = page;
  let at = from;
  let slashes = 0;
  if (isStringPrefix(bytes, at)) at++;
  while (bytes[at] === 0x5c && slashes < 8 && at < length) {
    at++;
    slashes++;
  }
  const quote = bytes[at];
  if (at < length && (quote === 0x22 || quote === 0x27 || quote === 0x60)) {
    let start = at + 1;
    while (start < at + 3 && bytes[start] === quote && bytes[start + 1] !== undefined) start++;
    if (start === at + 2) return undefined;
    const end = closing(page, start, quote);
    if (end === undefined) return undefined;
    return { start, end: end - slashes, writing: before.writing === "loose" ? "loose" : "quoted" };
  }
  if (before.quoted || slashes > 0) return undefined;
  const start = at;
  const wide = before.writing === "environment";
  let strewn = 0;
  while (at < length && at - start < longestValue) {
    if (endsValue(bytes, at, wide) && !(strewn >= 3 && isInnerAngle(bytes, at))) break;
    if (before.query && bytes[at] === 0x26) break;
    if (isBracket(bytes[at] ?? 0)) strewn++;
    at++;
  }
  while (at > start && isTrailing(bytes[at - 1] ?? 0, wide)) at--;
  return at === start ? undefined : { start, end: at, writing: before.writing };
}

/** `b"…"`, `f"…"`, `@"…"`, `L"…"`. */
const isStringPrefix = (bytes: Uint8Array, at: number): boolean =>
  "brufLRB@$".includes(String.fromCharCode(bytes[at] ?? 0)) && (bytes[at + 1] === 0x22 || bytes[at + 1] === 0x27);

function closing({ bytes, length }: Page, start: number, quote: number): number | undefined {
  for (let at = start; at < length && at - start < longestValue; at++) {
    const byte = bytes[at];
    if (byte === quote) return at;
    if (byte === 0x0a && quote !== 0x60) return undefined;
    // An escaped quote is of the value, unless the value stands in an escaped string itself.
    if (byte === 0x5c && bytes[at + 1] === 0x5c) at++;
    else if (byte === 0x5c && bytes[at + 1] === quote && bytes[start - 2] !== 0x5c) at++;
  }
  return undefined;
}

function endsValue(bytes: Uint8Array, at: number, wide: boolean): boolean {
  const byte = bytes[at] ?? 0;
  if (byte <= 0x20 || byte === 0x22 || byte === 0x27 || byte === 0x60 || byte === 0x3c || byte === 0x3e) return true;
  if (byte === 0x5c) return "nrt\"'".includes(String.fromCharCode(bytes[at + 1] ?? 0));
  if (byte === 0x3b || byte === 0x7c) return true;
  if (wide) return false;
  if (byte === 0x2c) return true;
  // A bracket that a letter follows closes nothing: it is of the value.
  return (byte === 0x29 || byte === 0x7d || byte === 0x5d) && !isAlnum(bytes, at + 1);
}

const isBracket = (byte: number): boolean => "(){}[]$^~".includes(String.fromCharCode(byte));

/** A `>` with more of the value behind it: in a generated password, which has shown itself by its brackets, it closes nothing. */
const isInnerAngle = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === 0x3e && (bytes[at + 1] ?? 0) > 0x20 && !"\"'`<>,;".includes(String.fromCharCode(bytes[at + 1] ?? 0));

const isTrailing = (byte: number, wide: boolean): boolean =>
  byte === 0x2c || byte === 0x3b || (!wide && (byte === 0x2e || byte === 0x3a || byte === 0x2a));

const schemes = ["bearer ", "basic ", "token ", "digest ", "apikey ", "negotiate ", "flyv1 ", "bot ", "splunk "];

/** Past the word that names an authorization's scheme (RFC 9110, 11.4). */
function afterScheme(page: Page, { start, end }: Value): number {
  if (end - start < 8) return start;
  const head = textOf(page, start, Math.min(end, start + 10)).toLowerCase();
  const scheme = schemes.find((word) => head.startsWith(word));
  return scheme ? start + scheme.length : start;
}
