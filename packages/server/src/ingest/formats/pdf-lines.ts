/** A run of text as a PDF page places it. */
export interface Glyphs {
  readonly str: string;
  readonly hasEOL: boolean;
  /** The last two are the place on the page. */
  readonly transform: readonly number[];
  readonly height: number;
}

interface Line {
  text: string;
  y?: number;
  height: number;
}

/**
 * Writes a page's runs as lines, with a blank one where the page leaves more room than between two lines. A word that is divided at a line's
 * end is joined again.
 */
export function toLines(runs: readonly Glyphs[]): string {
  const lines: Line[] = [];
  let line: Line = { text: "", height: 0 };
  for (const { str, hasEOL, transform, height } of runs) {
    line.text += str;
    if (str.trim() !== "") {
      line.y ??= transform[5] ?? 0;
      line.height = Math.max(line.height, height);
    }
    if (hasEOL) {
      lines.push(line);
      line = { text: "", height: 0 };
    }
  }
  lines.push(line);
  return join(lines.filter(({ text }) => text.trim() !== ""));
}

function join(lines: readonly Line[]): string {
  const pieces: string[] = [];
  let before: Line | undefined;
  for (const line of lines) {
    const text = line.text.trimEnd();
    const apart =
      before?.y !== undefined &&
      line.y !== undefined &&
      Math.abs(before.y - line.y) > 1.7 * Math.max(before.height, line.height, 1);
    const last = pieces.at(-1);
    if (last !== undefined && !apart && isDivided(last, text)) pieces[pieces.length - 1] = last.slice(0, -1);
    else if (before) pieces.push(apart ? "\n\n" : "\n");
    pieces.push(text);
    before = line;
  }
  return pieces.join("");
}

const isDivided = (line: string, next: string): boolean =>
  /\p{Ll}{2}[-\u00ad\u2010]$/u.test(line.slice(-8)) && /^\p{Ll}{2}/u.test(next);
