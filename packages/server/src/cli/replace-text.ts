import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

/** Puts a text in the place of a file at once, so that a fault leaves the old file whole; a new file is for its owner alone. */
export function replaceText(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.portcullis-${process.pid}`;
  try {
    writeFileSync(draft, text, { mode: 0o600, flush: true });
    if (existsSync(file)) chmodSync(draft, statSync(file).mode & 0o777);
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** What stands between a file's name and the time in the name of its copy. */
export const copyMark = ".before-portcullis-";

/** Keeps a copy of a file beside it, for its owner alone; answers where, and undefined when there is no file or nothing in it. */
export function keepCopy(file: string): string | undefined {
  if (!existsSync(file) || readFileSync(file, "utf8") === "") return undefined;
  const copy = `${file}${copyMark}${new Date().toISOString().replaceAll(/[:.]/g, "-")}`;
  copyFileSync(file, copy);
  chmodSync(copy, 0o600);
  return copy;
}
