import { type AuditRecord, parseRecord } from "../audit/record.ts";
import type { SealedAuditLog } from "../audit/sealed-log.ts";
import { openAuditLogForReading } from "../stores/sqlite/audit-log.ts";
import type { AuditLog, StoredRecord } from "../stores/store.ts";
import { CommandError, exits } from "./exit.ts";

/** The audit of a data folder, for reading. */
export function openForReading(data: string): SealedAuditLog {
  try {
    return openAuditLogForReading(data);
  } catch (error) {
    throw new CommandError(
      exits.noInput,
      `There is no audit to read in ${data}: ${(error as Error).message}`,
      "Name the data folder with --data.",
    );
  }
}

export interface ReadRecord {
  readonly stored: StoredRecord;
  readonly record: AuditRecord;
}

const page = 1_000;

/** The records after a number, oldest first; one that is damaged is passed over, since `audit verify` is who judges it. */
export async function* eachRecord(log: Pick<AuditLog, "read">, after: number): AsyncGenerator<ReadRecord> {
  for (let seq = after; ; ) {
    const records = await log.read(seq, page);
    for (const stored of records) {
      const record = readRecord(stored);
      if (record) yield { stored, record };
    }
    const last = records.at(-1);
    if (last === undefined || records.length < page) return;
    seq = last.seq;
  }
}

function readRecord({ body }: StoredRecord): AuditRecord | undefined {
  try {
    return parseRecord(body);
  } catch {
    return undefined;
  }
}

/** The number of the last record before a time. */
export async function seek(log: AuditLog, before: number): Promise<number> {
  let [low, high] = [0, (await log.head())?.seq ?? 0];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [stored] = await log.read(middle, 1);
    const record = stored && readRecord(stored);
    if (record !== undefined && Date.parse(record.at) < before) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** One line for a person: when, who, what, on what, for what, and how it ended. */
export function toLine(record: AuditRecord): string {
  const masks = Object.entries(record.masks ?? {}).map(([kind, count]) => `${count} ${kind}`);
  const line = [
    record.at,
    record.outcome ?? record.kind,
    record.subject ?? "-",
    record.door ?? "-",
    // An answer of the owner's is about a tool, and no call of it.
    [record.method, record.tool].filter(Boolean).join(" ") || record.kind,
    record.resources?.slice(0, 2).join(" ") ?? "",
    record.purpose?.text ? `«${record.purpose.text}»` : "",
    record.method === "audit.note" ? JSON.stringify(record.args).slice(0, 200) : "",
    record.kind === "system" ? (record.reason ?? "") : "",
    masks.length > 0 ? `masked ${masks.join(", ")}` : "",
    record.durationUs === undefined ? "" : `${(record.durationUs / 1_000).toFixed(1)} ms`,
    record.id,
  ];
  // A terminal must not be steered by what a caller wrote.
  return line
    .filter(Boolean)
    .join("  ")
    .replace(/[\p{Cc}\p{Cf}]/gu, "\u00b7");
}
