import type { Readable } from "node:stream";

export interface LineReader {
  /** The longest line (bytes). */
  readonly longest: number;
  line(text: string): void;
  /** A line is over the limit: no more is read. */
  tooLong(): void;
}

const newline = 0x0a;

/** Reads lines of bounded length: memory holds one line at most, whatever is sent. */
export function readLines(source: Readable, { longest, line, tooLong }: LineReader): void {
  let parts: Buffer[] = [];
  let size = 0;
  const take = (chunk: Buffer): void => {
    let rest = chunk;
    for (;;) {
      const end = rest.indexOf(newline);
      const part = end < 0 ? rest : rest.subarray(0, end);
      size += part.length;
      if (size > longest) {
        source.off("data", take);
        source.resume();
        parts = [];
        tooLong();
        return;
      }
      parts.push(part);
      if (end < 0) return;
      const text = Buffer.concat(parts).toString("utf8");
      [parts, size] = [[], 0];
      line(text);
      rest = rest.subarray(end + 1);
    }
  };
  source.on("data", take);
}
