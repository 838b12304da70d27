import { hashStart, hashStep, type WordTable } from "./word-table.ts";

/** Of each byte whether it can belong to a word: of ASCII, or of a character beyond, whatever that is. */
const inWord = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 128 || /\w/.test(String.fromCharCode(byte)) ? 1 : 0,
);

/** Longer runs than this are no words, but text in a script without spaces: few of them come twice. */
const longest = 64;

export interface Scanner {
  /** A run of bytes by the number that the table has for it. */
  known(value: number): void;
  /** A run that the table does not know: gives the number to remember it by, or -1 for not remembering it. */
  fresh(text: string): number;
}

/** Takes UTF-8 apart at the ASCII that stands between words; a run may hold other characters that do, and then several words. */
export function scan(bytes: Buffer, table: WordTable, scanner: Scanner): void {
  const { length } = bytes;
  const place = { start: 0, end: 0, hash: 0 };
  for (let at = 0; at < length; ) {
    let byte = bytes[at] as number;
    if (inWord[byte] === 0) {
      at++;
      continue;
    }
    const start = at;
    let hash = hashStart;
    while (inWord[byte] === 1) {
      hash = (Math.imul(hash, hashStep) + byte) | 0;
      at++;
      byte = at < length ? (bytes[at] as number) : 0;
    }
    if (at - start > longest) {
      scanner.fresh(bytes.toString("utf8", start, at));
      continue;
    }
    place.start = start;
    place.end = at;
    place.hash = hash;
    const known = table.find(bytes, place);
    if (known >= 0) {
      scanner.known(known);
      continue;
    }
    const value = scanner.fresh(bytes.toString("utf8", start, at));
    if (value >= 0) table.add(bytes, place, value);
  }
}
