import type { GramIndex } from "./gram-index.ts";
import { digit, isAlnum, lower, traitAt, upper } from "./page.ts";
import type { Scan } from "./scan.ts";
import { measure } from "./token-shape.ts";
import { secretAddresses, vendorTokens } from "./vendor-tokens.ts";

const solid = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const characters: Readonly<Record<string, string>> = {
  h: "0123456789abcdefABCDEF",
  U: "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
  a: "abcdefghijklmnopqrstuvwxyz0123456789",
  W: solid,
  w: `${solid}_-`,
  d: `${solid}_-.`,
  t: `${solid}_-.=+/~:$,`,
};

const alphabets = new Map(
  Object.entries(characters).map(([name, all]) => {
    const has = new Uint8Array(256);
    for (const character of all) has[character.charCodeAt(0)] = 1;
    return [name, has] as const;
  }),
);

const lines = (table: string): string[][] =>
  table
    .trim()
    .split("\n")
    .map((line) => line.split(" "));

/** Adds every token with a form of its own, and the addresses that are keys. */
export function addVendorTokens(index: GramIndex<Scan>): void {
  for (const [kind = "", prefix = "", written = "", length = ""] of lines(vendorTokens)) {
    const alphabet = alphabets.get(written.charAt(0));
    if (!alphabet) throw new Error(`No alphabet ${written}.`);
    const rule = {
      kind,
      alphabet,
      least: Number.parseInt(length, 10),
      exactly: length.endsWith("!"),
      digits: written.endsWith("#"),
      glued: !prefix.includes("_") && prefix.length < 8,
      plain: prefix.length >= 12,
    };
    index.add(prefix, (scan, start, end) => matchToken(scan, { start, end, ...rule }));
  }
  for (const [kind = "", prefix = ""] of lines(secretAddresses)) {
    index.add(prefix, (scan, start, end) => matchAddress(scan, { start, end, kind }), false);
  }
}

interface Candidate {
  readonly start: number;
  readonly end: number;
  readonly kind: string;
  readonly alphabet: Uint8Array;
  readonly least: number;
  readonly exactly: boolean;
  readonly digits: boolean;
  /** The prefix could be a piece of a word: what stands before it has to end there. */
  readonly glued: boolean;
  /** The prefix is so long that what follows may be anything. */
  readonly plain: boolean;
}

function matchToken(scan: Scan, { start, end, kind, alphabet, least, exactly, digits, glued, plain }: Candidate): void {
  const { bytes } = scan.page;
  if (glued && !scan.decoded && continuesWord(scan, start)) return;
  const stop = runEnd(scan, { start, end, alphabet, least });
  scan.spend(stop - end + 8);
  if (stop - end < least) return;
  if (exactly && !isExact(scan, end, least, stop)) return;
  const shape = measure(bytes, end, stop);
  if (plain ? shape.distinct < 2 && (bytes[end] ?? 0 | 0x20) === 0x78 : shape.distinct < (least < 16 ? 4 : 6)) return;
  if (digits && shape.digits < 2) return;
  scan.add(start, stop, kind);
}

/** A run that is longer than the form says is something else, unless the rest is not of the token (`-`, `_`, `.` and on). */
function isExact(scan: Scan, end: number, least: number, stop: number): boolean {
  const wrapped = stop - end - least;
  if (wrapped === 0) return !isAlnum(scan.page.bytes, stop);
  let count = 0;
  for (let at = end; at < stop; at++) if (isTokenByte(scan, at)) count++;
  return count === least;
}

const isTokenByte = (scan: Scan, at: number): boolean => {
  const byte = scan.page.bytes[at] ?? 0;
  return byte > 0x20 && byte !== 0x3d;
};

/** Whether a word runs on into `start`. The letter of an escape (`\n`) or of a percent code (`%3D`) is no word. */
function continuesWord({ page: { bytes } }: Scan, start: number): boolean {
  if (start === 0 || !isAlnum(bytes, start - 1)) return false;
  if (start >= 2 && bytes[start - 2] === 0x5c) return false;
  return !(start >= 3 && bytes[start - 3] === 0x25);
}

/** Where a run of an alphabet ends; it goes on over line breaks where a wrapped token plainly does. */
function runEnd(
  { page: { bytes, length } }: Scan,
  { start, end, alphabet, least }: Pick<Candidate, "start" | "end" | "alphabet" | "least">,
): number {
  let at = end;
  let count = 0;
  let lineStart = start;
  let wraps = 0;
  for (;;) {
    while (at < length && alphabet[bytes[at] ?? 0] === 1) {
      at++;
      count++;
    }
    const next = afterBreak(bytes, at, length);
    if (next === at) return at;
    let stop = next;
    let mixed = 0;
    while (stop < length && alphabet[bytes[stop] ?? 0] === 1) mixed |= traitAt(bytes, stop++);
    const piece = stop - next;
    if (piece === 0) return at;
    const alone = stop >= length || isBreak(bytes[stop] ?? 0) || bytes[stop] === 0x3d || bytes[stop] === 0x22;
    const random = (mixed & digit) !== 0 || ((mixed & lower) !== 0 && (mixed & upper) !== 0);
    const line = at - lineStart;
    const goesOn =
      bytes[at] === 0x3d ||
      (count < least ? random || alone : alone && line >= 16 && (random || piece === line || wraps > 1));
    if (!goesOn) return at;
    wraps++;
    lineStart = next;
    at = next;
  }
}

const isBreak = (byte: number): boolean => byte === 0x0a || byte === 0x0d;

/** Past a line break with its soft hyphen (`=`), indent and escapes; `at` itself when there is none. */
function afterBreak(bytes: Uint8Array, at: number, length: number): number {
  let next = at;
  if (bytes[next] === 0x3d && next + 1 < length && isBreak(bytes[next + 1] ?? 0)) next++;
  if (next >= length || !isBreak(bytes[next] ?? 0)) return at;
  if (bytes[next] === 0x0d && bytes[next + 1] === 0x0a) next++;
  next++;
  while (next < length && (bytes[next] === 0x20 || bytes[next] === 0x09)) next++;
  return next < length ? next : at;
}

function matchAddress(scan: Scan, { start, end, kind }: { start: number; end: number; kind: string }): void {
  const { bytes, length } = scan.page;
  let stop = end;
  while (stop < length && stop - end < 2_048 && isUrlByte(bytes[stop] ?? 0)) stop++;
  scan.spend(stop - start);
  if (stop - end < 12 || measure(bytes, end, stop).distinct < 6) return;
  let from = start;
  while (from > 0 && start - from < 80 && isUrlByte(bytes[from - 1] ?? 0) && bytes[from - 1] !== 0x3d) from--;
  scan.add(from, stop, kind);
}

const isUrlByte = (byte: number): boolean =>
  byte > 0x20 && byte < 0x7f && !"\"'<>`)]}\\".includes(String.fromCharCode(byte));
