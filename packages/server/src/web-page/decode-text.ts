import { TextDecoder } from "node:util";

const boms: readonly (readonly [readonly number[], string])[] = [
  [[0xef, 0xbb, 0xbf], "utf-8"],
  [[0xfe, 0xff], "utf-16be"],
  [[0xff, 0xfe], "utf-16le"],
];

/**
 * Decodes text as a browser would (Encoding standard): by its byte order mark, else the charset of its header, else the one that its first
 * kilobyte declares, else as UTF-8, and as Windows-1252 where that does not fit. Bytes that mean nothing become U+FFFD.
 */
export function decodeText(bytes: Uint8Array, charset: string | undefined): string {
  const marked = boms.find(([mark]) => mark.every((byte, index) => bytes[index] === byte))?.[1];
  const named = [marked, charset, declared(bytes)].flatMap((label) => (label === undefined ? [] : toDecoder(label)))[0];
  if (named) return named.decode(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

function declared(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.subarray(0, 1_024)).toString("latin1");
  const label =
    /<meta[^>]{0,200}charset\s*=\s*["']?([\w:.-]{1,40})/i.exec(start) ??
    /^<\?xml[^>]{0,200}encoding=["']([\w:.-]{1,40})/.exec(start);
  // A page that can be searched for its own declaration in ASCII is not UTF-16 (HTML standard, 13.2.3.3).
  return label?.[1]?.toLowerCase().startsWith("utf-16") ? "utf-8" : label?.[1];
}

function toDecoder(label: string): readonly TextDecoder[] {
  try {
    return [new TextDecoder(label)];
  } catch {
    return [];
  }
}
