import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The end of every note: a right answer holds it. */
export const marker = "the last line of the note";

const words =
  "garden water letter window bread evening road paper summer table river stone light music winter kitchen".split(" ");

/**
 * Writes `count` notes of 4 KB, each with a text of its own, and answers a function that names one after the other: what is read again and
 * again is cheaper, since it is known to be clean, so a benchmark that reads one file would measure too little.
 */
export function writeNotes(folder: string, count: number): () => string {
  mkdirSync(folder, { recursive: true });
  let seed = 7;
  const word = (): string => {
    seed = (seed * 48_271) % 2_147_483_647;
    return words[seed % words.length] ?? "";
  };
  const paths = Array.from({ length: count }, (_, n) => {
    const path = join(folder, `note-${n}.md`);
    const lines: string[] = [`# Note ${n}`, ""];
    for (let size = 0; size < 3_950; size += lines.at(-1)?.length ?? 0)
      lines.push(Array.from({ length: 11 }, word).join(" "));
    writeFileSync(path, `${lines.join("\n")}\n${marker}\n`);
    return path;
  });
  let next = 0;
  return () => paths[next++ % paths.length] ?? "";
}
