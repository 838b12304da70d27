import { logFormat } from "./parse-log.ts";

/** How `parseLog` wants a history. Renames come as a deletion and an addition; nothing that a repository names is run. */
export const logOptions: readonly string[] = [
  "-z",
  "--name-status",
  "--no-renames",
  "--no-ext-diff",
  "--no-textconv",
  "--no-show-signature",
  "--no-color",
  "--no-mailmap",
  "--diff-merges=first-parent",
  "--encoding=UTF-8",
  `--format=${logFormat}`,
];

export const toRange = ({ since, until }: { readonly since?: string; readonly until?: string }): readonly string[] => [
  ...(since === undefined ? [] : [`--since=${toDate(since)}`]),
  ...(until === undefined ? [] : [`--until=${toDate(until)}`]),
];

// Git reads a bare date as that day at this very time of day.
const toDate = (text: string): string =>
  /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00` : text === "today" ? "midnight" : text;
