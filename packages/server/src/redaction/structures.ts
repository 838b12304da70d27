import type { GramIndex } from "./gram-index.ts";
import { isSecretValue, looksRandom } from "./judge.ts";
import { isAlnum, textOf, tokenish, traitAt } from "./page.ts";
import { isPlaceholder } from "./placeholder.ts";
import type { Scan } from "./scan.ts";
import { measure } from "./token-shape.ts";

/** Adds what is secret by where it stands: private keys, passwords in URLs, authorization headers, cookies, `curl -u`. */
export function addStructures(index: GramIndex<Scan>): void {
  index.add("-----BEGIN ", matchPrivateKey);
  index.add("PuTTY-User-Key-File", matchPutty);
  index.addAfter("://", "abcdefghijklmnopqrstuvwxyz0123456789", matchUserinfo);
  index.add("bearer ", matchBearer, false);
  index.add("basic ", matchBearer, false);
  index.add("cookie: ", matchCookies, false);
  index.add("curl ", matchCurl, false);
}

const longestKey = 16_384;

/** RFC 7468 and its relatives (OpenSSH, PGP), over lines or with written-out `\n`, with or without its end. */
function matchPrivateKey(scan: Scan, start: number, end: number): void {
  const { page } = scan;
  if (start < scan.blockEnd) return;
  const head = textOf(page, end, Math.min(page.length, end + 48));
  const label = /^[A-Z0-9 ]{0,32}(PRIVATE KEY|SECRET KEY)( BLOCK)?-----/.exec(head);
  if (!label) return;
  const body = end + label[0].length;
  const limit = Math.min(page.length, body + longestKey);
  const text = textOf(page, body, limit);
  scan.spend(text.length);
  const close = /-----END [A-Z0-9 ]{0,32}-----/.exec(text);
  const stop = close ? body + close.index + close[0].length : body + bodyLength(text);
  scan.blockEnd = stop;
  const inside = close ? text.slice(0, close.index) : text.slice(0, stop - body);
  if (/[A-Za-z0-9+/=]{16}/.test(inside.replace(/\\[nr]|\s/g, ""))) scan.add(start, stop, "private-key");
}

/** How far a key without an end goes on: over base64, line breaks, written-out breaks and quotes of a split literal. */
function bodyLength(text: string): number {
  const rest = /[^A-Za-z0-9+/=\s\\:,"'-]/.exec(text);
  return rest ? rest.index : text.length;
}

function matchPutty(scan: Scan, start: number, end: number): void {
  if (start < scan.blockEnd) return;
  const text = textOf(scan.page, end, Math.min(scan.page.length, end + longestKey));
  scan.spend(text.length);
  scan.blockEnd = end + text.length;
  const lines = text.indexOf("Private-Lines:");
  if (lines < 0) return;
  const mac = /Private-MAC: [0-9a-f]{1,128}/.exec(text.slice(lines));
  scan.add(start, end + (mac ? lines + mac.index + mac[0].length : text.length), "private-key");
}

/** A URL's password (RFC 3986, 3.2.1), or its user where that is a token. */
function matchUserinfo(scan: Scan, start: number, end: number): void {
  if (!scan.text) return;
  const { bytes, length } = scan.page;
  const web = isWeb(scan, start);
  let at = -1;
  let colon = -1;
  let stop = end;
  for (; stop < length && stop - end < 1_024; stop++) {
    const byte = bytes[stop] ?? 0;
    if (byte <= 0x20 || byte === 0x22 || byte === 0x27 || byte === 0x60 || byte === 0x3c || byte === 0x3e) break;
    if (byte === 0x5c && bytes[stop + 1] !== 0x2f && bytes[stop + 1] !== 0x40) break;
    // A database's password may hold a slash that its owner did not escape; a web address's path begins there.
    if ((byte === 0x2f || byte === 0x3f || byte === 0x23) && (web || at >= 0)) break;
    if (byte === 0x3a && colon < 0) colon = stop;
    if (byte === 0x40) at = stop;
  }
  scan.spend(stop - end);
  if (at < 0) return;
  if (colon < 0 || colon > at) {
    if (at - end >= 16 && looksRandom(measure(bytes, end, at))) scan.add(end, at, "url-password");
    return;
  }
  const password = textOf(scan.page, colon + 1, at);
  if (password.length < 3 || isPlaceholder(password) || /^\d{1,5}\//.test(password)) return;
  scan.add(end, at, "url-password");
}

const isWeb = (scan: Scan, colon: number): boolean => {
  const scheme = textOf(scan.page, Math.max(0, colon - 5), colon).toLowerCase();
  return scheme.endsWith("http") || scheme.endsWith("https");
};

/** `Bearer …` and `Basic …` (RFC 6750, RFC 7617), wherever they stand. */
function matchBearer(scan: Scan, start: number, end: number): void {
  if (!scan.text) return;
  const { bytes, length } = scan.page;
  if (start > 0 && isAlnum(bytes, start - 1) && bytes[start - 2] !== 0x5c) return;
  let stop = end;
  while (
    stop < length &&
    ((traitAt(bytes, stop) & tokenish) !== 0 || bytes[stop] === 0x2e || bytes[stop] === 0x3d || bytes[stop] === 0x7e)
  )
    stop++;
  scan.spend(stop - end);
  if (stop - end < 12) return;
  const shape = measure(bytes, end, stop);
  if (isSecretValue("secret", textOf(scan.page, end, stop), { writing: "bare", shape }))
    scan.add(end, stop, "authorization");
}

const attributes =
  /^(path|domain|expires|max-age|samesite|secure|httponly|priority|partitioned|version|lang|locale|theme|_ga.*)$/i;

/** The values of `Cookie:` and `Set-Cookie:` (RFC 6265) that are long and mixed enough to be a session. */
function matchCookies(scan: Scan, start: number, end: number): void {
  if (!scan.text || start < scan.blockEnd) return;
  const { page } = scan;
  const line = /^[^\r\n"'`\\]*/.exec(textOf(page, end, Math.min(page.length, end + 4_096)))?.[0] ?? "";
  scan.spend(line.length * 4);
  scan.blockEnd = end + line.length;
  for (const { index, 0: pair } of line.matchAll(/[^;\s][^;]*/g)) {
    const equals = pair.indexOf("=");
    if (equals < 1 || attributes.test(pair.slice(0, equals).trim())) continue;
    const from = end + index + equals + 1;
    const to = end + index + pair.trimEnd().length;
    const shape = measure(page.bytes, from, to);
    if (isSecretValue("secret", textOf(page, from, to), { writing: "bare", shape })) scan.add(from, to, "cookie");
  }
}

const userOption =
  /(?:\s-u|--user|--proxy-user)[= ]?\s?(?:"([^"\r\n]{1,256})"|'([^'\r\n]{1,256})'|([^\s"':]{1,128}:(?:"[^"\r\n]{1,128}"|'[^'\r\n]{1,128}'))|([^\s"']{1,256}))/g;

/** `curl -u user:password`. */
function matchCurl(scan: Scan, start: number, end: number): void {
  if (!scan.text || start < scan.blockEnd) return;
  const rest = textOf(scan.page, end - 1, Math.min(scan.page.length, end + 2_048));
  const line = /^(?:[^\r\n\\]|\\\r?\n|\\)*/.exec(rest)?.[0] ?? "";
  scan.spend(line.length * 8);
  scan.blockEnd = end - 1 + line.length;
  for (const match of line.matchAll(userOption)) {
    const value = match[1] ?? match[2] ?? match[3] ?? match[4] ?? "";
    const colon = value.indexOf(":");
    const password = value.slice(colon + 1) || value.slice(0, colon);
    if (colon < 0 || password.length < 4 || isPlaceholder(password)) continue;
    const from = end - 1 + match.index + match[0].lastIndexOf(value);
    scan.add(from, from + value.length, "password");
  }
}
