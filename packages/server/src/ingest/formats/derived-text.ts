import { NotReadable, type ReadDocument, type Section } from "../document.ts";

/** The most derived text of one file, in bytes. */
export const mostText = 32 * 1024 * 1024;

export interface Part {
  readonly text: string;
  /** Undefined for text that belongs to no part with a name. */
  readonly label?: string;
  readonly id?: string;
  readonly time?: number;
}

/**
 * Joins a document's parts to its text, with a blank line between them. Parts without text are left out. Throws `NotReadable` when there is no
 * text at all, or more than `mostText`.
 */
export function joinParts(
  parts: Iterable<Part>,
  none = "It holds no text.",
): Required<Pick<ReadDocument, "text" | "sections">> {
  const pieces: Buffer[] = [];
  const sections: Section[] = [];
  let start = 0;
  for (const { text, label, ...named } of parts) {
    const trimmed = cleanText(text)
      .trimEnd()
      .replace(/^(?:[^\S\n]*\n)+/, "");
    if (trimmed === "") continue;
    const piece = Buffer.from(`${trimmed}\n\n`);
    if (label !== undefined) sections.push({ start, label: label.slice(0, 200), ...named });
    pieces.push(piece);
    start += piece.length;
    if (start > mostText) throw new NotReadable(`It holds more than ${mostText / 1024 / 1024} MB of text.`);
  }
  if (start === 0) throw new NotReadable(none);
  return { text: Buffer.concat(pieces).subarray(0, start - 1), sections };
}

/** Without control characters, and with lines that end as they do in Unix; lone surrogates become U+FFFD. */
const cleanText = (text: string): string =>
  text
    .replace(/\r\n?/g, "\n")
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it takes out
    .replace(/[\0-\x08\x0b-\x1f\x7f\ufeff]/g, "")
    .toWellFormed();
