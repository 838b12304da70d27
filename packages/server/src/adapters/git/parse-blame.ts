import { toLines } from "./lines.ts";
import { readName } from "./quoted-name.ts";

export interface RawLine {
  readonly hash: string;
  /** Counted from one, in the file that was asked about. */
  readonly line: number;
  readonly text: string;
  /** Where the line came from, which may be another file; undefined when its name is no text. */
  readonly origin: string | undefined;
}

const longestLine = 2_000;

/** Reads `git blame --line-porcelain` as it comes: a header with its fields, then the line behind a tab. */
export async function* parseBlame(chunks: AsyncIterable<string>): AsyncGenerator<RawLine> {
  let header: { hash: string; line: number } | undefined;
  let origin: string | undefined;
  for await (const text of toLines(chunks, longestLine)) {
    if (!header) {
      const [, hash, line] = /^([0-9a-f]{40,64}) \d+ (\d+)/.exec(text) ?? [];
      if (hash === undefined) throw new Error("git gave a line of blame without its commit");
      header = { hash, line: Number(line) };
      origin = undefined;
    } else if (text.startsWith("\t")) {
      yield { ...header, text: text.slice(1), origin };
      header = undefined;
    } else if (text.startsWith("filename ")) origin = readName(text.slice("filename ".length))?.normalize("NFC");
  }
}
