import { readFileSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { ulid } from "ulid";
import { type AuditDraft, parseRecord, recoveryName, sealRecord, unknownOutcome } from "../../audit/record.ts";
import type { Entry } from "../store.ts";

/**
 * Enters this process among those that write a log, and answers what is to be recorded of those that have died: one that is named and runs
 * no more did not close the log, and what it began has no outcome. To be called inside of a transaction.
 */
export function enterLife(db: DatabaseSync, boot: string): readonly Entry[] {
  const intents = db.prepare(
    "SELECT i.id, i.seq, r.body FROM intents i LEFT JOIN records r ON r.seq = i.seq WHERE i.boot = ? ORDER BY i.seq",
  );
  const lives = db.prepare("SELECT boot, process FROM lives WHERE boot <> ?").all(boot) as unknown as readonly Life[];
  if (boot !== "")
    db.prepare("INSERT OR REPLACE INTO lives (boot, process) VALUES (?, ?)").run(boot, describe(process.pid));
  return lives
    .filter((life) => !runs(life.process))
    .flatMap((dead) => {
      const open = intents.all(dead.boot) as unknown as readonly Open[];
      db.prepare("DELETE FROM intents WHERE boot = ?").run(dead.boot);
      endLife(db, dead.boot);
      return [tellCrash(boot, dead.boot, open.length), ...open.map((intent) => closeUnknown(boot, intent))];
    });
}

/** Leaves nothing to be told of this process. */
export function endLife(db: DatabaseSync, boot: string): void {
  db.prepare("DELETE FROM lives WHERE boot = ?").run(boot);
}

interface Life {
  readonly boot: string;
  readonly process: string;
}

interface Open {
  readonly id: string;
  readonly seq: number;
  readonly body: string | null;
}

const tellCrash = (boot: string, dead: string, open: number): Entry =>
  sealRecord({
    kind: "system",
    id: ulid(),
    at: new Date().toISOString(),
    boot,
    method: recoveryName,
    args: { boot: dead, open },
    reason: `A process ended without closing the audit (boot ${dead}). ${open} effects that it began have no known outcome. Whatever it had written and told nobody of is in the log or was never written; nothing was cut.`,
    outcome: "crash",
  });

function closeUnknown(boot: string, { id, seq, body }: Open): Entry {
  const intent = readIntent(body);
  const draft: AuditDraft = {
    kind: "call",
    id,
    at: new Date().toISOString(),
    boot,
    subject: intent?.subject,
    grant: intent?.grant,
    tool: intent?.tool,
    resources: intent?.resources,
    reason: `Its process ended after the intent (record ${seq}): whether it was done is not known.`,
    outcome: unknownOutcome,
  };
  const { text } = sealRecord(draft);
  return { text };
}

function readIntent(body: string | null): AuditDraft | undefined {
  try {
    return body === null ? undefined : parseRecord(body);
  } catch {
    return undefined;
  }
}

/** A process in words that no other one will have: its number, when it began, and in which run of the machine. */
function describe(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name of the program, in brackets, may hold anything; what follows it is numbers.
    const started = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    return `${pid} ${started} ${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}`;
  } catch {
    return `${pid}`;
  }
}

function runs(life: string): boolean {
  const [pid = "", started] = life.split(" ");
  if (started !== undefined) return describe(Number(pid)) === life;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
