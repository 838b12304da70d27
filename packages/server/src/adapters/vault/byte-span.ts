import { hash } from "node:crypto";
import type { TextSpan } from "../../vault/section.ts";

/** A stretch of a file, with its citation. */
export interface Quote {
  readonly text: string;
  /** `[start, end)` in bytes of the file. */
  readonly start: number;
  readonly end: number;
  /** Of these bytes, in hex. */
  readonly sha256: string;
}

/** A file's bytes with the text that they say. */
export interface FileText {
  readonly bytes: Buffer;
  readonly text: string;
  /** False when the text is not exactly the bytes: only whole lines can then be told apart. */
  readonly exact: boolean;
}

/** Quotes a span of the text by the bytes that say it. */
export function quote(file: FileText, { start, end }: TextSpan): Quote {
  const first = toByte(file, start);
  const after = end >= file.text.length ? file.bytes.length : Math.max(first, toByte(file, end));
  const bytes = file.bytes.subarray(first, after);
  return { text: bytes.toString("utf8"), start: first, end: after, sha256: hash("sha256", bytes) };
}

function toByte({ bytes, text, exact }: FileText, at: number): number {
  if (at <= 0) return 0;
  if (exact) return Buffer.byteLength(text.slice(0, at));
  // Line breaks are the same in number, whatever became of the bytes between them.
  let place = 0;
  for (let line = text.indexOf("\n"); line >= 0 && line < at; line = text.indexOf("\n", line + 1)) {
    place = bytes.indexOf(10, place) + 1;
  }
  return place;
}
