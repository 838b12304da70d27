import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { AuditDraft } from "../../../packages/server/src/audit/record.ts";

const appender = join(import.meta.dirname, "..", "..", "..", "test", "conformance", "stores", "appender.ts");

export interface Writer {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly out: string; readonly err: string; readonly code: number | null }>;
}

/** A process that appends to a log with 16 writers at once, and prints each record once it is acknowledged; run under `before`. */
export function startWriter(args: readonly string[], before: readonly string[] = []): Writer {
  const [command = process.execPath, ...rest] = [...before, process.execPath, appender, ...args];
  const child = spawn(command, rest, { stdio: ["ignore", "pipe", "pipe"] });
  const closed = new Promise<number | null>((resolve) => child.once("close", resolve));
  const ended = Promise.all([text(child.stdout), text(child.stderr), closed]).then(([out, err, code]) => ({
    out,
    err,
    code,
  }));
  return { child, ended };
}

export interface Acknowledged {
  readonly seq: number;
  readonly hash: string;
  readonly id: string;
}

/** The acknowledgements of an output; a last line that was cut off was none. */
export const toAcknowledged = (out: string): readonly Acknowledged[] =>
  out
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const [seq, hash = "", id = ""] = line.split(" ");
      return { seq: Number(seq), hash, id };
    });

export const hasStrace = (): boolean => spawnSync("strace", ["-V"]).status === 0;

/** A call's record of the usual size. */
export const toDraft = (id: string, more: Partial<AuditDraft> = {}): AuditDraft => ({
  kind: "call",
  id,
  at: new Date(1_800_000_000_000).toISOString(),
  boot: "bench",
  subject: "duck@home",
  grant: "01J00000000000000000000000",
  door: "websocket",
  peer: "127.0.0.1",
  tool: "fs.readFile",
  resources: ["file:///home/duck/notes/todo.md"],
  args: { path: "~/notes/todo.md" },
  purpose: { text: "summarize-todo", stated: true },
  policy: "0".repeat(64),
  decision: "allow",
  scope: "notes",
  bytesOut: 4_096,
  durationUs: 190,
  outcome: "ok",
  ...more,
});
