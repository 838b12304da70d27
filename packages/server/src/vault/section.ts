import type { Block, Heading, Note } from "./note.ts";

/** `[start, end)` in UTF-16 units of the note's text: whole lines. */
export interface TextSpan {
  readonly start: number;
  readonly end: number;
}

/** Headings are compared as Obsidian compares them in links: without markup, punctuation of links and case. */
const bare = (heading: string): string =>
  heading
    .normalize("NFC")
    .toLowerCase()
    .replace(/!?\[\[(?:[^[\]|]*\|)?([^[\]|]*)\]\]/g, "$1")
    .replace(/[\p{P}\p{S}\s]+/gu, " ")
    .trim();

/**
 * The part of a note that a heading names: from the heading to the next of its level or above. `A#B` is B inside of A, `^id` the block of
 * that name. Of equal headings the first counts. Undefined when there is none.
 */
export function findSection(
  text: string,
  note: Pick<Note, "headings" | "blocks">,
  wanted: string,
): TextSpan | undefined {
  if (wanted.startsWith("^")) return findBlock(text, note.blocks, wanted.slice(1));
  const { headings } = note;
  const whole = bare(wanted);
  const at = headings.findIndex(({ text: own }) => bare(own) === whole);
  if (at >= 0) return toSpan(text, headings, at);
  let span: TextSpan = { start: 0, end: text.length };
  let last = -1;
  for (const step of wanted.split("#").map(bare)) {
    last = headings.findIndex(
      ({ text: own, start }, index) => index > last && start >= span.start && start < span.end && bare(own) === step,
    );
    if (last < 0) return undefined;
    span = toSpan(text, headings, last);
  }
  return span;
}

function toSpan(text: string, headings: readonly Heading[], at: number): TextSpan {
  const { level, start } = headings[at] as Heading;
  const next = headings.find((heading, index) => index > at && heading.level <= level);
  return { start, end: next?.start ?? text.length };
}

/** How far a block is followed upwards. */
const longestBlock = 10_000;

function findBlock(text: string, blocks: readonly Block[], id: string): TextSpan | undefined {
  const found = blocks.find((block) => block.id.toLowerCase() === id.toLowerCase());
  if (!found) return undefined;
  const newline = text.indexOf("\n", found.start);
  const end = newline < 0 ? text.length : newline + 1;
  let start = startOfLine(text, found.start);
  // An id on a line of its own names the block above it.
  if (text.slice(start, found.start).trim() === "") start = startOfLine(text, text.slice(0, start).trimEnd().length);
  while (
    start > 0 &&
    found.start - start < longestBlock &&
    !/^[ \t]*(?:[-+*>]|\d+[.)])\s/.test(text.slice(start, start + 40))
  ) {
    const above = startOfLine(text, start - 1);
    if (/^(?:\s*$|#{1,6}\s|```|~~~)/.test(text.slice(above, start - 1))) break;
    start = above;
  }
  return { start, end };
}

/** Where the line begins that holds the place. */
export const startOfLine = (text: string, at: number): number => (at <= 0 ? 0 : text.lastIndexOf("\n", at - 1) + 1);
