import type { NoteLink } from "../../vault/note.ts";
import { startOfLine, type TextSpan } from "../../vault/section.ts";
import type { FileText } from "./byte-span.ts";

/** Lines up to this length are given whole; of longer ones what stands so near the link. In UTF-16 units. */
const longest = 800;
const near = 300;

/**
 * The line that a link stands on, with those above it that end in a label: half of a secret is one that no detector knows. Undefined for a
 * line that is too long to be cut without splitting a word.
 */
export function contextOf({ text, exact }: FileText, link: Pick<NoteLink, "start" | "end">): TextSpan | undefined {
  let start = startOfLine(text, link.start);
  const newline = text.indexOf("\n", link.end);
  let end = newline < 0 ? text.length : newline;
  if (text.charCodeAt(end - 1) === 13) end--;
  if (end - start > longest) {
    if (!exact) return undefined;
    const before = link.start - near <= start ? start : spaceIn(text, link.start - near, link.start);
    const after = link.end + near >= end ? end : spaceBefore(text, link.end, link.end + near);
    return before === undefined || after === undefined ? undefined : { start: before, end: after };
  }
  for (let lines = 0; lines < 2 && start > 0; lines++) {
    const above = startOfLine(text, start - 1);
    if (start - above > longest || !/[:=\\]\s*$/.test(text.slice(above, start))) break;
    start = above;
  }
  return { start, end };
}

function spaceIn(text: string, from: number, to: number): number | undefined {
  for (let at = from; at < to; at++) if (/\s/.test(text.charAt(at))) return at + 1;
  return undefined;
}

function spaceBefore(text: string, from: number, to: number): number | undefined {
  for (let at = to; at >= from; at--) if (/\s/.test(text.charAt(at))) return at;
  return undefined;
}
