/** Collects the paragraphs, lists and tables of a word processor's document as Markdown blocks. */
export interface OfficeBlocks {
  paragraph(text: string): void;
  /** `level` from 1. */
  heading(level: number, text: string): void;
  /** An item of a list, `depth` from 0. */
  item(depth: number, text: string): void;
  openTable(): void;
  openRow(): void;
  openCell(): void;
  closeTable(): void;
  toMarkdown(): string;
}

const mostIndent = 8;

export function createOfficeBlocks(): OfficeBlocks {
  const blocks: string[] = [];
  const tables: string[][][][] = [];
  let afterItem = false;

  /** Into the cell that is open, else as a block of its own. */
  const put = (text: string, isItem = false): void => {
    if (text === "") return;
    const cell = tables.at(-1)?.at(-1)?.at(-1);
    if (cell) cell.push(text);
    else blocks.push(blocks.length === 0 ? text : `${isItem && afterItem ? "\n" : "\n\n"}${text}`);
    if (!cell) afterItem = isItem;
  };
  return {
    paragraph: (text) => put(escapeStart(tidy(text))),
    heading(level, text) {
      const line = tidy(text).replaceAll("\n", " ");
      if (line !== "") put(tables.length > 0 ? line : `${"#".repeat(Math.min(6, Math.max(1, level)))} ${line}`);
    },
    item(depth, text) {
      const line = tidy(text);
      const indent = "  ".repeat(Math.min(mostIndent, Math.max(0, depth)));
      if (line !== "") put(`${indent}- ${line.replaceAll("\n", `\n${indent}  `)}`, true);
    },
    openTable: () => void tables.push([]),
    openRow: () => void tables.at(-1)?.push([]),
    openCell: () => void tables.at(-1)?.at(-1)?.push([]),
    closeTable() {
      const rows = tables.pop()?.filter((row) => row.some((cell) => cell.length > 0)) ?? [];
      put(tables.length > 0 ? rows.map((row) => row.map(toCell).join(" ")).join(" ") : toTable(rows));
    },
    toMarkdown: () => blocks.join(""),
  };
}

function toTable(rows: readonly string[][][]): string {
  const width = rows.reduce((most, row) => Math.max(most, row.length), 0);
  // A table of one cell or column is a frame around text.
  if (width < 2) return rows.map((row) => row.map((cell) => cell.join("\n\n")).join("\n\n")).join("\n\n");
  const [first = "", ...others] = rows.map(
    (row) => `| ${row.map((cell) => toCell(cell).replaceAll("|", "\\|")).join(" | ")} |`,
  );
  return [first, `|${" --- |".repeat(rows[0]?.length ?? width)}`, ...others].join("\n");
}

const toCell = (cell: readonly string[]): string => cell.join(" ").replace(/\s+/g, " ").trim();

const tidy = (text: string): string =>
  text
    .replace(/[^\S\n]+/g, " ")
    .replace(/ ?\n ?/g, "\n")
    .trim();

/** A paragraph that starts like a heading or a fence is none. */
const escapeStart = (text: string): string => text.replace(/^(?=#{1,6}\s|```|~~~)/gm, "\\");
