/** Where a command writes: results on `out`, everything else on `err`, so that `--json` can be piped. */
export interface Output {
  readonly json: boolean;
  /** Whether a person watches `err`: progress is drawn only then. */
  readonly terminal: boolean;
  out(text: string): void;
  err(text: string): void;
}

export const createOutput = (json: boolean): Output => ({
  json,
  terminal: process.stderr.isTTY === true,
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
});

/** Prints a result: as one line of JSON when asked so, else as text. */
export function print(output: Output, value: unknown, text: string): void {
  output.out(output.json ? JSON.stringify(value) : text);
}

/** Columns aligned by their widest cell. */
export function toTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
