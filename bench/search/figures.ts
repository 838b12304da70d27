import { table } from "../measure.ts";

/** One line of a report. */
export interface Figure {
  readonly what: string;
  readonly measured: string;
  readonly aim?: string;
  readonly peer?: string;
  /** Of what is measured to its peer, or the other way around when the text says so. */
  readonly ratio?: string;
}

export const report = (title: string, figures: readonly Figure[]): string =>
  `\n${title}\n${table([
    ["", "measured", "aim", "peer", "ratio"],
    ...figures.map(({ what, measured, aim = "", peer = "", ratio = "" }) => [what, measured, aim, peer, ratio]),
  ])}`;

/** The value that so large a share of the values lies below. */
export const percentile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;

export const inMs = (ms: number): string => `${ms < 100 ? ms.toFixed(1) : Math.round(ms)} ms`;
export const inSeconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
export const inMegabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
export const times = (ratio: number): string => `${ratio < 10 ? ratio.toFixed(2) : Math.round(ratio)}×`;
