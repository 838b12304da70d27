/**
 * A text as the detectors see it: one byte for each UTF-16 unit, so that an offset here is an offset there. Characters beyond Latin-1 are
 * `foreign`, except full-width forms, which are folded to ASCII, and invisible ones, which are `invisible`.
 */
export interface Page {
  readonly bytes: Uint8Array;
  readonly length: number;
}

export const invisible = 0x01;
const foreign = 0xff;
const tagLead = 0xdb40;

export const digit = 0x100;
export const lower = 0x200;
export const upper = 0x400;
/** `_ - + /`: with letters and digits, what tokens and encodings are written in. */
export const joint = 0x800;
export const tokenish = digit | lower | upper | joint;
/** What may hide text from a plain reading: an escape, a percent sign, an entity, a tag, an invisible character. */
export const special = 0x1000;

/** For each byte: its class in the high bits, itself in lower case in the low ones. */
export const traits = new Uint16Array(256);
for (let byte = 0; byte < 256; byte++) {
  const character = String.fromCharCode(byte);
  let trait = byte;
  if (character >= "0" && character <= "9") trait |= digit;
  else if (character >= "a" && character <= "z") trait |= lower;
  else if (character >= "A" && character <= "Z") trait = (byte + 32) | upper;
  else if ("_-+/".includes(character)) trait |= joint;
  else if (
    "%\\&<".includes(character) ||
    byte === 0x7f ||
    byte === 0xad ||
    (byte < 0x20 && !"\t\n\r".includes(character))
  )
    trait |= special;
  traits[byte] = trait;
}

export const traitAt = (bytes: Uint8Array, at: number): number => traits[bytes[at] ?? 0x20] ?? 0;
export const isAlnum = (bytes: Uint8Array, at: number): boolean => (traitAt(bytes, at) & (digit | lower | upper)) !== 0;

const encoder = new TextEncoder();
const margin = 64;
let scratch = new Uint8Array(1 << 16);

/** Reads a text into a page. The page is valid until the next call: its bytes are reused. */
export function toPage(text: string): Page {
  const { length } = text;
  if (scratch.length < length + margin) scratch = new Uint8Array(Math.ceil((length + margin) / 65_536) * 65_536);
  const bytes = scratch;
  const { read, written } = encoder.encodeInto(text, bytes);
  // What an earlier text left behind the end must not be read as if it went on.
  bytes.fill(0x20, length, length + margin);
  if (written === length && read === length) return { bytes, length };
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    bytes[i] = unit < 0x100 ? unit : fold(unit);
    // Tag characters (U+E0000…U+E007F) are surrogate pairs: both halves are invisible.
    if (unit === tagLead && i + 1 < length) bytes[++i] = invisible;
  }
  return { bytes, length };
}

const latin1 = new TextDecoder("latin1");

/** The characters of a page's stretch, one for each byte; those beyond ASCII may differ. */
export function textOf({ bytes }: Page, start: number, end: number): string {
  if (end - start > 24) return latin1.decode(bytes.subarray(start, end));
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at] ?? 0);
  return text;
}

/** A page that stays valid, of bytes that are its own. */
export const ownPage = (bytes: Uint8Array, length = bytes.length): Page => ({ bytes, length });

function fold(unit: number): number {
  if (unit >= 0xff01 && unit <= 0xff5e) return unit - 0xfee0;
  return isInvisible(unit) ? invisible : foreign;
}

/** Default-ignorable code points (Unicode, DerivedCoreProperties) and bidirectional controls; tags by their surrogates. */
const isInvisible = (unit: number): boolean =>
  (unit >= 0x200b && unit <= 0x200f) ||
  (unit >= 0x202a && unit <= 0x202e) ||
  (unit >= 0x2060 && unit <= 0x206f) ||
  unit === 0xfeff ||
  unit === 0x034f ||
  unit === 0x061c ||
  unit === 0x115f ||
  unit === 0x1160 ||
  unit === 0x3164 ||
  unit === 0x17b4 ||
  unit === 0x17b5 ||
  (unit >= 0x180b && unit <= 0x180f) ||
  (unit >= 0xfe00 && unit <= 0xfe0f) ||
  unit === 0xffa0 ||
  (unit >= 0xfff0 && unit <= 0xfffb) ||
  unit === tagLead;
