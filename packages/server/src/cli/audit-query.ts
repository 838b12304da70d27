import type { AuditRecord } from "../audit/record.ts";
import { chosenRecords } from "./audit-filter.ts";
import { eachRecord, openForReading, type ReadRecord, toLine } from "./audit-records.ts";
import { type Invocation, text } from "./command.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import type { Output } from "./output.ts";

const show = (output: Output, { stored, record }: ReadRecord): void =>
  output.out(output.json ? stored.body : toLine(record));

/** The last records, and with --follow those that come. */
export async function tail({ values, data, output }: Invocation): Promise<Exit> {
  const wanted = count(text(values, "lines") ?? "20", "--lines");
  const log = openForReading(data);
  try {
    let shown = Math.max(0, ((await log.head())?.seq ?? 0) - wanted);
    for (;;) {
      for await (const read of eachRecord(log, shown)) {
        show(output, read);
        shown = read.stored.seq;
      }
      if (!values.follow) return exits.ok;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  } finally {
    await log.close();
  }
}

/** The records that the options choose; nothing found is a no. */
export async function query(invocation: Invocation): Promise<Exit> {
  const { values, data, output } = invocation;
  const most = count(text(values, "limit") ?? "1000", "--limit");
  const log = openForReading(data);
  let found = 0;
  try {
    for await (const read of chosenRecords(log, invocation)) {
      if (found === most) {
        output.err(`There are more than ${most}: --limit shows more.`);
        break;
      }
      found += 1;
      show(output, read);
    }
  } finally {
    await log.close();
  }
  return found > 0 ? exits.ok : exits.no;
}

/** The chosen records for another program, all of them. */
export async function exportRecords(invocation: Invocation): Promise<Exit> {
  const { values, data, output } = invocation;
  const format = text(values, "format") ?? "jsonl";
  if (format !== "jsonl" && format !== "csv") throw new CommandError(exits.usage, "--format is jsonl or csv.");
  const log = openForReading(data);
  try {
    if (format === "csv") output.out(columns.join(","));
    for await (const { stored, record } of chosenRecords(log, invocation)) {
      if (format === "csv") output.out(toRow(record, stored.hash));
      // The very text that the hash covers, so that an export can be verified too.
      else output.out(`{"hash":"${stored.hash}","record":${stored.body}}`);
    }
  } finally {
    await log.close();
  }
  return exits.ok;
}

const columns = [
  ...["seq", "at", "kind", "id", "subject", "grant", "session", "door", "peer", "client", "agent", "tool", "method"],
  ...["resources", "args", "purpose", "turn", "parent", "traceId", "decision", "scope", "outcome", "reason", "masks"],
  ...["bytesIn", "bytesOut", "durationUs", "result", "policy", "hash"],
] as const;

function toRow(record: AuditRecord, hash: string): string {
  const flat: Readonly<Record<string, unknown>> = {
    ...record,
    hash,
    client: record.client && [record.client.name, record.client.version].filter(Boolean).join(" "),
    purpose: record.purpose?.text,
    resources: record.resources?.join("\n"),
  };
  return columns.map((column) => toCell(flat[column])).join(",");
}

/** A spreadsheet takes a cell that begins with one of these for a formula, and would run what a caller wrote. */
const formula = /^(?:[\t\r]|\s*[=+\-@|])/;

export function toCell(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "number") return String(value);
  const cell = (typeof value === "string" ? value : JSON.stringify(value)).replaceAll("\u0000", "\ufffd");
  return `"${(formula.test(cell) ? `'${cell}` : cell).replaceAll('"', '""')}"`;
}

function count(given: string, option: string): number {
  if (!/^\d{1,9}$/.test(given)) throw new CommandError(exits.usage, `${option} takes a number.`);
  return Number(given);
}
