import type { GramIndex } from "./gram-index.ts";
import { digit, isAlnum, lower, tokenish, traitAt, upper } from "./page.ts";
import type { Run, Scan } from "./scan.ts";
import { measure } from "./token-shape.ts";

/** Adds the tokens that a sign in their middle tells: `….atlasv1.…` (Terraform), `abc8Q~…` (Azure), `app|secret` (Facebook). */
export function addInnerSigns(index: GramIndex<Scan>): void {
  index.add(".atlasv1.", (scan, start, end) =>
    matchAround(scan, { start, end, kind: "terraform-token", before: 10, after: 50 }),
  );
  for (const number of "0123456789") {
    index.add(`${number}Q~`, (scan, start, end) =>
      matchAround(scan, { start, end, kind: "azure-client-secret", before: 3, after: 30 }),
    );
  }
}

interface Inner {
  readonly start: number;
  readonly end: number;
  readonly kind: string;
  /** How many letters and digits stand before the sign, at least. */
  readonly before: number;
  readonly after: number;
}

function matchAround(scan: Scan, { start, end, kind, before, after }: Inner): void {
  const { bytes, length } = scan.page;
  let from = start;
  while (from > 0 && start - from < 64 && isAlnum(bytes, from - 1)) from--;
  let to = end;
  while (to < length && to - end < 512 && isTail(bytes, to)) to++;
  scan.spend(to - from);
  if (start - from < before || to - end < after || measure(bytes, from, to).distinct < 12) return;
  scan.add(from, to, kind);
}

/** A wrapped tail goes on in the next line. */
const isTail = (bytes: Uint8Array, at: number): boolean => {
  if ((traitAt(bytes, at) & tokenish) !== 0) return true;
  const byte = bytes[at] ?? 0;
  if (byte === 0x3d || byte === 0x2e || byte === 0x7e) return true;
  const breaks = byte === 0x0a || byte === 0x0d;
  return breaks && isTailOrBreak(bytes, at - 1) && isTailOrBreak(bytes, at + 1);
};

const isTailOrBreak = (bytes: Uint8Array, at: number): boolean =>
  (traitAt(bytes, at) & tokenish) !== 0 || bytes[at] === 0x3d || bytes[at] === 0x0a || bytes[at] === 0x0d;

/**
 * Tokens of parts with a sign between, from their first or last part: JSON web tokens (RFC 7519), Discord's (id, time, signature),
 * Telegram's (number, colon, tail).
 */
export function matchParts(scan: Scan, { start, end }: Run): boolean {
  const { bytes } = scan.page;
  if (bytes[end] === 0x2e) {
    const second = runEnd(scan, end + 1);
    const third = bytes[second] === 0x2e ? runEnd(scan, second + 1) : second;
    if (isEy(bytes, start) && isEy(bytes, end + 1) && second - end > 10) return put(scan, start, third, "jwt");
    if (isDiscord(bytes, start, end) && second - end === 7 && third - second > 25)
      return put(scan, start, third, "discord-bot-token");
  }
  const sign = bytes[start - 1];
  if (start > 6 && (sign === 0x3a || sign === 0x7c) && end - start >= 26 && end - start <= 37) {
    let first = start - 1;
    while (first > 0 && (traitAt(bytes, first - 1) & digit) !== 0) first--;
    const number = start - 1 - first;
    const { turns, distinct } = measure(bytes, start, end);
    if (number < 5 || number > 20 || turns < 5 || distinct < 12) return false;
    if (sign === 0x3a && bytes[start] === 0x41 && end - start >= 33) return put(scan, first, end, "telegram-bot-token");
    if (sign === 0x7c && number >= 13) return put(scan, first, end, "facebook-token");
  }
  return false;
}

const isEy = (bytes: Uint8Array, at: number): boolean => bytes[at] === 0x65 && bytes[at + 1] === 0x79;

/** Base64 of a snowflake: 17 to 20 decimal digits. */
const isDiscord = (bytes: Uint8Array, start: number, end: number): boolean =>
  end - start >= 23 &&
  end - start <= 28 &&
  (traitAt(bytes, start) & (lower | upper)) === upper &&
  "MNO".includes(String.fromCharCode(bytes[start] ?? 0));

function put(scan: Scan, start: number, end: number, kind: string): boolean {
  scan.add(start, end, kind);
  return true;
}

function runEnd({ page: { bytes, length } }: Scan, from: number): number {
  let at = from;
  while (at < length && (traitAt(bytes, at) & tokenish) !== 0) at++;
  return at;
}
