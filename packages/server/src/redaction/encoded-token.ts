const sextet = new Int8Array(256).fill(-1);
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".split("").forEach((character, value) => {
  sextet[character.charCodeAt(0)] = value;
});
sextet[0x2d] = 62;
sextet[0x5f] = 63;

export interface Decoded {
  readonly bytes: Uint8Array;
  readonly length: number;
  /** Whether nearly all of it is printable: then it is read as text. */
  readonly text: boolean;
}

/**
 * What a run of token characters may be in hex or base64 (RFC 4648, both alphabets, at each of the four places it may begin when something
 * is glued before it). Only readings that look like text, and base64 from the run's own start whatever it holds.
 */
export function* decodeToken(bytes: Uint8Array, start: number, end: number): Generator<Decoded> {
  const hex = hexRun(bytes, start, end);
  if (hex >= 16 && holdsTextInHex(bytes, start, start + hex)) yield decodeHex(bytes, start, start + (hex & ~1));
  if (hex === end - start) return;
  const places = end - start > longest ? 1 : 4;
  for (let shift = 0; shift < places; shift++) {
    if (!holdsText(bytes, start + shift, end)) continue;
    const decoded = decodeBase64(bytes, start + shift, end);
    if (decoded.length >= 8) yield decoded;
  }
}

/** Longer runs are data that begins where it begins. */
const longest = 16_384;

/** Whether base64 of `start` on holds six printable bytes where one looks every twelve: a text of twenty would be seen. */
function holdsText(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at + 8 <= end; at += 16) {
    let bits = 0;
    let text = true;
    for (let i = 0; i < 8 && text; i++) {
      bits = ((bits << 6) | (sextet[bytes[at + i] ?? 0] ?? 0)) & 0xffff;
      const held = (i * 6 + 6) & 7;
      if (i > 0) text = mayBeText((bits >> held) & 0xff) || (i & 3) === 0;
    }
    if (text) return true;
  }
  return false;
}

function holdsTextInHex(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at + 12 <= end; at += 24) {
    let text = true;
    for (let i = 0; i < 12 && text; i += 2)
      text = mayBeText((nibble(bytes[at + i] ?? 0) << 4) | nibble(bytes[at + i + 1] ?? 0));
    if (text) return true;
  }
  return false;
}

/** Text in UTF-16 has zeros between. */
const mayBeText = (byte: number): boolean => byte === 0 || isPrintable(byte);

const isPrintable = (byte: number): boolean =>
  (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d || byte === 0x09;

function hexRun(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && nibble(bytes[at] ?? 0) >= 0) at++;
  return at - start;
}

const nibble = (byte: number): number => {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const folded = byte | 0x20;
  return folded >= 0x61 && folded <= 0x66 ? folded - 0x57 : -1;
};

function decodeHex(bytes: Uint8Array, start: number, end: number): Decoded {
  const out = new Uint8Array((end - start) >> 1);
  for (let at = 0; at < out.length; at++) {
    out[at] = (nibble(bytes[start + 2 * at] ?? 0) << 4) | nibble(bytes[start + 2 * at + 1] ?? 0);
  }
  return toDecoded(out, out.length);
}

function decodeBase64(bytes: Uint8Array, start: number, end: number): Decoded {
  const out = new Uint8Array(Math.ceil(((end - start) * 3) / 4));
  let length = 0;
  let bits = 0;
  let held = 0;
  for (let at = start; at < end; at++) {
    const value = sextet[bytes[at] ?? 0] ?? -1;
    if (value < 0) continue;
    bits = ((bits << 6) | value) & 0xffffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      out[length++] = (bits >> held) & 0xff;
    }
  }
  return toDecoded(out, length);
}

/** UTF-16 of ASCII text is read as that text. */
function toDecoded(bytes: Uint8Array, length: number): Decoded {
  let printable = 0;
  let zeros = 0;
  for (let at = 0; at < length; at++) {
    const byte = bytes[at] ?? 0;
    if (isPrintable(byte)) printable++;
    else if (byte === 0) zeros++;
  }
  if (zeros > length * 0.3 && zeros + printable > length * 0.9) {
    const narrow = bytes.subarray(0, length).filter((byte) => byte !== 0);
    return { bytes: narrow, length: narrow.length, text: true };
  }
  return { bytes, length, text: printable >= length * 0.9 };
}
