/** A half-open range of UTF-16 units. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** How results may look where they are written. */
export interface Look {
  /** Columns to stay within; undefined where nobody looks, and lines stay as they are. */
  readonly columns: number | undefined;
  /** Whether bold type may be used. */
  readonly bold: boolean;
}

const narrowest = 20;

/** What stdout can show: bold type only on a terminal whose owner has not set NO_COLOR. */
export function lookOf(
  stream: { readonly isTTY?: boolean; readonly columns?: number },
  env: Readonly<Record<string, string | undefined>>,
): Look {
  if (stream.isTTY !== true) return { columns: undefined, bold: false };
  return { columns: Math.max(stream.columns || 80, narrowest), bold: !env.NO_COLOR && env.TERM !== "dumb" };
}

/** A text without what could steer a terminal: line breaks stay, every other control or formatting character becomes a dot. */
export const inert = (text: string): string =>
  text
    .replace(/\r\n/g, "\n")
    .replaceAll("\t", "  ")
    .replace(/(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, "\u00b7");

const wide = /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\u3000-\u303f\uff01-\uff60\u{1f300}-\u{1faff}]/u;
const columnsOf = (character: string): number => (/^\p{M}$/u.test(character) ? 0 : wide.test(character) ? 2 : 1);

/** The lines of a text, none wider than so many columns: cut between words, and inside of a word only where it has no room. */
export function wrap(text: string, columns: number | undefined): readonly TextRange[] {
  const lines: TextRange[] = [];
  let at = 0;
  for (const line of text.split("\n")) {
    const end = at + line.length;
    if (columns === undefined) lines.push({ start: at, end });
    else lines.push(...wrapLine(text, { start: at, end }, columns));
    at = end + 1;
  }
  return lines;
}

function wrapLine(text: string, { start, end }: TextRange, columns: number): readonly TextRange[] {
  const lines: TextRange[] = [];
  let from = start;
  let blank = -1;
  let width = 0;
  for (let at = start; at < end; ) {
    const character = String.fromCodePoint(text.codePointAt(at) as number);
    width += columnsOf(character);
    if (width > columns && at > from) {
      const cut = character === " " ? at : blank > from ? blank : at;
      lines.push({ start: from, end: cut });
      from = cut;
      while (from < end && text[from] === " ") from++;
      at = from;
      width = 0;
      blank = -1;
      continue;
    }
    if (character === " ") blank = at;
    at += character.length;
  }
  if (from < end || lines.length === 0) lines.push({ start: from, end });
  return lines;
}

/** A line of a text with the ranges inside of it in bold. */
export function embolden(text: string, { start, end }: TextRange, bold: readonly TextRange[]): string {
  let shown = "";
  let at = start;
  for (const range of bold) {
    const [from, until] = [Math.max(range.start, at), Math.min(range.end, end)];
    if (from >= until) continue;
    shown += `${text.slice(at, from)}\u001b[1m${text.slice(from, until)}\u001b[22m`;
    at = until;
  }
  return shown + text.slice(at, end);
}

/** A number of bytes for a person. */
export function toSize(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  const unit = Math.min(Math.floor(Math.log10(bytes) / 3), 4);
  const size = bytes / 1_000 ** unit;
  return `${size.toFixed(size < 10 ? 1 : 0)} ${["B", "kB", "MB", "GB", "TB"][unit]}`;
}

/** So many of something, in words. */
export const toCount = (number: number, one: string, several = `${one}s`): string =>
  `${number.toLocaleString("en-US")} ${number === 1 ? one : several}`;

/** A span of time for a person. */
export function toDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.ceil(whole / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
