import { hashStart, hashStep, type WordTable } from "./word-table.ts";

/** Of each byte of ASCII whether it belongs to a word. */
const inWord = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 128 && /\w/.test(String.fromCharCode(byte)) ? 1 : byte >= 128 ? 2 : 0,
);

/** How much is decoded at once where a text is not ASCII: the more, the closer such places follow each other. */
const pieces = { least: 16, most: 1_024 } as const;

export interface Scanner {
  /** A word of ASCII by the number that the table has for it; -1 when it is new. */
  known(value: number): void;
  /** A word of ASCII that the table does not know: gives the number to remember it by. */
  fresh(word: string): number;
  /** A piece of text with other characters, beginning and ending between words. */
  other(text: string): void;
}

/** Takes UTF-8 apart into words of ASCII, which most are made of, and other pieces. */
export function scan(bytes: Buffer, table: WordTable, scanner: Scanner): void {
  const { length } = bytes;
  const place = { start: 0, end: 0, hash: 0 };
  let at = 0;
  let piece: number = pieces.least;
  let last = 0;
  while (at < length) {
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
    if (byte >= 128) {
      piece = start - last < piece ? Math.min(piece * 2, pieces.most) : pieces.least;
      at = Math.max(at, Math.min(length, start + piece));
      while (at < length && inWord[bytes[at] as number] !== 0) at++;
      scanner.other(bytes.toString("utf8", start, at));
      last = at;
      continue;
    }
    place.start = start;
    place.end = at;
    place.hash = hash;
    const value = table.find(bytes, place);
    if (value >= 0) scanner.known(value);
    else table.add(bytes, place, scanner.fresh(bytes.toString("latin1", start, at)));
  }
}
