import { cpus, release, totalmem } from "node:os";

/** One operation to be timed; it rejects when the answer is not the right one. */
export type Operation = () => Promise<void>;

export interface Timing {
  /** Median time of one operation, in µs. */
  readonly p50: number;
  readonly p99: number;
  /** Operations a second over the whole run. */
  readonly rate: number;
}

/** Runs `count` operations, at most `width` at once. */
export async function time(
  operation: Operation,
  { count, width }: { readonly count: number; readonly width: number },
): Promise<Timing> {
  const times: number[] = [];
  let left = count;
  const started = performance.now();
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const before = performance.now();
      await operation();
      times.push((performance.now() - before) * 1_000);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  const took = performance.now() - started;
  times.sort((a, b) => a - b);
  const at = (share: number): number =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), rate: (count / took) * 1_000 };
}

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** The machine that the figures are from: they mean nothing without it, and little with another. */
export const machine = (): string =>
  `${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown processor"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}`;

/** Columns aligned by their widest cell, numbers to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join("  "),
    )
    .join("\n");
}
