import { allDigests, readAuditKeys } from "../audit/keys.ts";
import type { AuditRecord } from "../audit/record.ts";
import type { AuditLog } from "../stores/store.ts";
import { eachRecord, type ReadRecord, seek } from "./audit-records.ts";
import { type Invocation, text } from "./command.ts";
import { CommandError, exits } from "./exit.ts";
import { toSince } from "./since.ts";

/** Options of the commands that choose among records; all that are given have to hold. */
export const filterOptions = {
  subject: { type: "string", help: "whose records" },
  tool: { type: "string", help: "a tool or method, or its beginning with * (fs.*)" },
  code: { type: "string", help: "how it ended: ok, unknown, or a code such as PERMISSION_DENIED" },
  since: { type: "string", help: "from when on: 7d, 24h, 30m, or a date" },
  until: { type: "string", help: "until when" },
  resource: { type: "string", help: "a part of a resource's URI" },
  id: { type: "string", help: "an audit id" },
  parent: { type: "string", help: "an audit id: all of the conversation that it belongs to" },
  trace: { type: "string", help: "a trace id (W3C), or a turn's name" },
  value: { type: "string", help: "an argument's value, also where only its HMAC is kept" },
} as const;

/** The records that an invocation's options choose, oldest first. */
export async function* chosenRecords(log: AuditLog, { values, data }: Invocation): AsyncGenerator<ReadRecord> {
  const now = Date.now();
  const [since, until] = ["since", "until"].map((name) => {
    const given = text(values, name);
    return given === undefined ? undefined : toSince(given, now);
  });
  const matches = createFilter(log, { values, data } as Invocation);
  const family = await createFamily(log, text(values, "parent"));
  // A record is written when its call ends, under the time at which it began.
  const start = since === undefined ? 0 : await seek(log, since - 3_600_000);
  for await (const read of eachRecord(log, start)) {
    const at = Date.parse(read.record.at);
    if (until !== undefined && at > until + 3_600_000) return;
    if ((since !== undefined && at < since) || (until !== undefined && at > until)) continue;
    if (family(read.record) && matches(read.record)) yield read;
  }
}

function createFilter(_log: AuditLog, { values, data }: Invocation): (record: AuditRecord) => boolean {
  const checks: ((record: AuditRecord) => boolean)[] = [];
  const on = (name: keyof typeof filterOptions, check: (wanted: string) => (record: AuditRecord) => boolean): void => {
    const wanted = text(values, name);
    if (wanted !== undefined) checks.push(check(wanted));
  };
  on(
    "subject",
    (wanted) =>
      ({ subject }) =>
        subject === wanted,
  );
  on("tool", (wanted) => {
    const start = wanted.endsWith("*") ? wanted.slice(0, -1) : undefined;
    return ({ tool, method }) => {
      const name = tool ?? method ?? "";
      return start === undefined ? name === wanted : name.startsWith(start);
    };
  });
  on(
    "code",
    (wanted) =>
      ({ outcome }) =>
        outcome === wanted,
  );
  on(
    "resource",
    (wanted) =>
      ({ resources }) =>
        resources?.some((uri) => uri.includes(wanted)) === true,
  );
  on(
    "id",
    (wanted) =>
      ({ id }) =>
        id === wanted,
  );
  on(
    "trace",
    (wanted) =>
      ({ traceId, turn }) =>
        traceId === wanted || turn === wanted,
  );
  on("value", (wanted) => {
    const keys = readAuditKeys(data);
    const forms = [JSON.stringify(wanted).slice(1, -1), ...(keys ? allDigests(keys, wanted) : [])];
    return ({ args, result }) => {
      const kept = JSON.stringify(args) ?? "";
      return forms.some((form) => kept.includes(form) || result === form);
    };
  });
  return (record) => checks.every((check) => check(record));
}

/** Tells whether a record hangs on the same first cause as the given one. Whatever names another as its parent comes after it. */
async function createFamily(log: AuditLog, member: string | undefined): Promise<(record: AuditRecord) => boolean> {
  if (member === undefined) return () => true;
  let root = member;
  for (let steps = 0; steps < 1_000; steps++) {
    const found = await log.find(root);
    const parent = found.map(({ body }) => (JSON.parse(body) as AuditRecord).parent).find((id) => id !== undefined);
    if (parent === undefined || parent === root) {
      if (found.length === 0 && steps === 0)
        throw new CommandError(exits.no, `The audit has no record with the id ${member}.`);
      break;
    }
    root = parent;
  }
  const family = new Set([root, member]);
  return ({ id, parent }) => {
    if (parent !== undefined && family.has(parent)) family.add(id);
    return family.has(id);
  };
}
