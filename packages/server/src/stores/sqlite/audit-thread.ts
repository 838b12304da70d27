import { type MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { type AuditThreadData, lockMs, type Told } from "./audit-committer.ts";
import { auditMigrations } from "./audit-schema.ts";
import { type AuditWriter, createAuditWriter } from "./audit-writer.ts";
import type { Batch } from "./commit-queue.ts";
import { openDatabase } from "./database.ts";

// The thread that writes the audit. It never gives way to an event loop: it sleeps until it is woken, or until something is due.
const { port, signal, path, folder, kept, durability, boot } = workerData as AuditThreadData & {
  readonly port: MessagePort;
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const tell = (told: Told): void => {
  port.postMessage(told);
  Atomics.add(signal, 1, 1);
  Atomics.notify(signal, 1);
};

function open(): AuditWriter | undefined {
  try {
    const db = openDatabase({ path, migrations: auditMigrations, busyMs: 2_000, ...(durability && { durability }) });
    return createAuditWriter({
      ...{ db, path, folder, kept, durability, boot, lockMs },
      tell: (note, size) => tell({ kind: "checkpoint", note, size }),
    });
  } catch (error) {
    tell({ kind: "committed", result: { broken: messageOf(error) } });
    return undefined;
  }
}

function run(writer: AuditWriter): void {
  tell({ kind: "ready" });
  for (;;) {
    Atomics.wait(signal, 0, 0, Math.min(60_000, writer.due()));
    Atomics.store(signal, 0, 0);
    for (let got = receiveMessageOnPort(port); got; got = receiveMessageOnPort(port)) {
      if (got.message === "close") return;
      tell({ kind: "committed", result: writer.write(got.message as Batch, () => Atomics.load(signal, 2) === 1) });
    }
    if (writer.due() > 0) continue;
    try {
      writer.work();
    } catch (error) {
      tell({ kind: "committed", result: { broken: messageOf(error) } });
    }
  }
}

const writer = open();
if (writer) {
  try {
    run(writer);
  } finally {
    writer.close();
  }
}
tell({ kind: "closed" });
port.close();
