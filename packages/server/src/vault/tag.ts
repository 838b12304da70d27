import { bounds } from "./note.ts";

/** What a tag is written in: letters, marks, numbers and symbols (emoji) of all scripts, and of ASCII letters, digits and `_-/`. */
const run = /[[[\p{L}\p{M}\p{N}\p{S}\u200d]--\p{ASCII}]A-Za-z0-9_\-\/]+/vy;

/**
 * A tag as it is kept and compared: without `#`, NFC, in lower case, without empty levels. Undefined for what is none, such as a mere number.
 */
export function toTag(written: string): string | undefined {
  if (written.length > bounds.tagLength) return undefined;
  const tag = written.normalize("NFC").toLowerCase().split("/").filter(Boolean).join("/");
  return tag === "" || /^\p{N}+$/u.test(tag) ? undefined : tag;
}

/** Where the tag ends whose first character (behind `#`) stands at `from`; `from` itself when there is none. */
export function endOfTag(text: string, from: number): number {
  run.lastIndex = from;
  return run.test(text) ? run.lastIndex : from;
}

/** The tag with all that it is nested in: `a/b/c`, `a/b`, `a`. */
export function lineage(tag: string): readonly string[] {
  const levels = [tag];
  for (let slash = tag.lastIndexOf("/"); slash > 0; slash = tag.lastIndexOf("/", slash - 1))
    levels.push(tag.slice(0, slash));
  return levels;
}
