import { parseRecord } from "../audit/record.ts";
import { verifyChain } from "../audit/verify.ts";
import { readHolder } from "../stores/data-folder.ts";
import { readAuditHead } from "../stores/sqlite/audit-head.ts";
import { openAuditLogForReading } from "../stores/sqlite/audit-log.ts";
import type { AuditLog, StoredRecord } from "../stores/store.ts";
import { type Command, type Invocation, text } from "./command.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import type { Output } from "./output.ts";
import { print } from "./output.ts";

export const audit: Command = {
  usage: "tail [--lines 20] [--follow] | verify",
  summary: "Show what happened, and check that the record of it is whole",
  options: {
    lines: { type: "string", help: "how many of the last records to show (default 20)" },
    follow: { type: "boolean", help: "go on showing records as they are written" },
  },
  async run(invocation) {
    switch (invocation.positionals[0]) {
      case "tail":
        return tail(invocation);
      case "verify":
        return verify(invocation);
      default:
        throw new CommandError(exits.usage, "audit needs one of: tail, verify.", "portcullis audit --help");
    }
  },
};

/** The audit of a data folder, for reading. */
export function openForReading(data: string): AuditLog {
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

const page = 1_000;

async function tail({ values, data, output }: Invocation): Promise<Exit> {
  const wanted = text(values, "lines") ?? "20";
  if (!/^\d{1,9}$/.test(wanted)) throw new CommandError(exits.usage, "--lines takes a number.");
  const log = openForReading(data);
  try {
    const last = (await log.head())?.seq ?? 0;
    let shown = await show(log, Math.max(0, last - Number(wanted)), output);
    while (values.follow) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      shown = await show(log, shown, output);
    }
    return exits.ok;
  } finally {
    await log.close();
  }
}

async function show(log: AuditLog, after: number, output: Output): Promise<number> {
  let seq = after;
  for (;;) {
    const records = await log.read(seq, page);
    for (const record of records) output.out(output.json ? record.body : toLine(record));
    seq = records.at(-1)?.seq ?? seq;
    if (records.length < page) return seq;
  }
}

/** One line for a person: when, who, what, on what, for what, and how it ended. */
function toLine({ body }: StoredRecord): string {
  const record = parseRecord(body);
  const what = record.tool ?? record.method ?? record.kind;
  const on = record.resources?.slice(0, 2).join(" ") ?? "";
  const why = record.purpose?.text ? `«${record.purpose.text}»` : "";
  const took = record.durationUs === undefined ? "" : `${(record.durationUs / 1_000).toFixed(1)} ms`;
  const masks = record.masks
    ? `masked ${Object.entries(record.masks)
        .map(([kind, count]) => `${count} ${kind}`)
        .join(", ")}`
    : "";
  const line = [
    record.at,
    record.outcome ?? record.kind,
    record.subject ?? "-",
    record.door ?? "-",
    what,
    on,
    why,
    masks,
    took,
    record.id,
  ];
  // A terminal must not be steered by what a caller wrote.
  return line
    .filter(Boolean)
    .join("  ")
    .replace(/[\p{Cc}\p{Cf}]/gu, "\u00b7");
}

async function verify({ data, output }: Invocation): Promise<Exit> {
  const expected = readAuditHead(data);
  const log = openForReading(data);
  try {
    const holder = readHolder(data);
    const verification = await verifyChain(log, { expected });
    const { status, records, head, fault, unfinishedCount } = verification;
    const lines = [
      status === "ok"
        ? `The audit is whole: ${records} records.`
        : `The audit is ${status}: ${records} records are good.`,
      ...(head
        ? [`Head: record ${head.seq}, ${head.hash}. Kept elsewhere, it shows a history that was rewritten.`]
        : []),
      ...(fault ? [`First bad record: ${fault.seq} (${fault.kind}). ${fault.message}`] : []),
      ...(unfinishedCount > 0
        ? [`${unfinishedCount} effects were begun and have no outcome${holder ? "; some may be running now" : ""}.`]
        : []),
    ];
    print(output, verification, lines.join("\n"));
    return verification.exit as Exit;
  } finally {
    await log.close();
  }
}
