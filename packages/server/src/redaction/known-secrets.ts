import type { GramIndex } from "./gram-index.ts";
import { toKind } from "./mask.ts";
import { isAlnum, tokenish, toPage, traitAt } from "./page.ts";
import type { Scan } from "./scan.ts";

/** A credential that the server holds or that its owner registered; `name` tells its mask's kind. */
export interface KnownSecret {
  readonly name: string;
  readonly value: string;
}

/** Shorter values stand in too many harmless places to be searched for. */
const shortest = 4;
/** Shorter values count only as whole words. */
const wordLength = 8;

/** Adds known values as they are, and in base64 (at each of the three places in a longer text), hex, percent and JSON. */
export function addKnownSecrets(index: GramIndex<Scan>, secrets: readonly KnownSecret[]): void {
  for (const { name, value } of secrets) {
    const trimmed = value.trim();
    if (trimmed.length < shortest) continue;
    const kind = toKind(name);
    const whole = trimmed.length < wordLength;
    for (const form of plainForms(trimmed)) {
      index.add(form, (scan, start, end) => {
        if (!whole || isWhole(scan, start, end)) scan.add(start, end, kind);
      });
    }
    if (whole) continue;
    for (const { text, exact } of encodedForms(trimmed))
      index.add(toBytes(text), (scan, start, end) => addEncoded(scan, { start, end, kind }), exact);
  }
}

const toBytes = (text: string): Uint8Array => {
  const { bytes, length } = toPage(text);
  return bytes.slice(0, length);
};

const isWhole = ({ page: { bytes } }: Scan, start: number, end: number): boolean =>
  !(start > 0 && isAlnum(bytes, start - 1)) && !isAlnum(bytes, end);

/** The value in UTF-16 and UTF-8, since a page may come from either, and as JSON and URLs write it. */
function plainForms(value: string): readonly Uint8Array[] {
  const once = escaped(value);
  const twice = escaped(once);
  const forms = new Set([value, once, twice, escaped(twice), value.replaceAll("/", "\\/"), percented(value)]);
  const bytes = [...forms].map(toBytes);
  const utf8 = new TextEncoder().encode(value);
  return utf8.length === value.length ? bytes : [...bytes, utf8];
}

const escaped = (value: string): string => JSON.stringify(value).slice(1, -1);

const percented = (value: string): string => encodeURIComponent(value.toWellFormed());

interface EncodedForm {
  readonly text: string;
  readonly exact: boolean;
}

function encodedForms(value: string): readonly EncodedForm[] {
  const bytes = new TextEncoder().encode(value);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"));
  const forms: EncodedForm[] = ["", "%", "\\x", "\\u00"].map((lead) => ({
    text: hex.map((pair) => lead + pair).join(""),
    exact: false,
  }));
  for (let shift = 0; shift < 3; shift++) {
    const text = inBase64(bytes, shift);
    forms.push({ text, exact: true });
    if (/[+/]/.test(text)) forms.push({ text: text.replaceAll("+", "-").replaceAll("/", "_"), exact: true });
  }
  return forms;
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The characters of base64 that depend on the value alone when `shift` other bytes stand before it. */
function inBase64(bytes: Uint8Array, shift: number): string {
  let text = "";
  for (let sextet = Math.ceil((shift * 8) / 6); (sextet + 1) * 6 <= (shift + bytes.length) * 8; sextet++) {
    const bit = sextet * 6 - shift * 8;
    const pair = ((bytes[bit >> 3] ?? 0) << 8) | (bytes[(bit >> 3) + 1] ?? 0);
    text += alphabet.charAt((pair >> (10 - (bit & 7))) & 63);
  }
  return text;
}

/** Masks the whole run that an encoded value stands in, so that no half of it can be decoded. */
function addEncoded(scan: Scan, { start, end, kind }: { start: number; end: number; kind: string }): void {
  const { bytes, length } = scan.page;
  let from = start;
  let to = end;
  while (from > 0 && start - from < 4_096 && (traitAt(bytes, from - 1) & tokenish) !== 0) from--;
  while (to < length && to - end < 4_096 && ((traitAt(bytes, to) & tokenish) !== 0 || bytes[to] === 0x3d)) to++;
  scan.spend(to - from);
  scan.add(from, to, kind);
}
