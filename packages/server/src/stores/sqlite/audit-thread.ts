import { statSync } from "node:fs";
import { type MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { createCheckpointer } from "./audit-checkpoints.ts";
import { type AuditThreadData, flags, lockMs, type Told } from "./audit-keeper.ts";
import { auditMigrations } from "./audit-schema.ts";
import { createAuditWriter } from "./audit-writer.ts";
import type { Batch } from "./commit-queue.ts";
import { DatabaseError, openDatabase, toDatabaseError } from "./database.ts";

// The thread that keeps the audit: whatever waits for the disk is done here. It never gives way to an event loop, but sleeps until it is
// woken or until something is due.
const { port, signal, path, folder, kept, durability, boot } = workerData as AuditThreadData & {
  readonly port: MessagePort;
};
/** The WAL is moved into the database when nothing was written for a while, or when it has grown to this many bytes. */
const pauseMs = 200;
const hurryBytes = 16 * 1024 * 1024;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const tell = (told: Told): void => {
  port.postMessage(told);
  Atomics.add(signal, flags.told, 1);
  Atomics.notify(signal, flags.told);
};

const open = () =>
  openDatabase({ path, migrations: auditMigrations, busyMs: 2_000, ...(durability && { durability }) });

/** While another process holds the lock there is nothing to be done, and later there will be. */
function unlessLocked(work: () => void): void {
  try {
    work();
  } catch (error) {
    const known = toDatabaseError(error, path);
    if (!(known instanceof DatabaseError && known.reason === "locked")) throw known;
  }
}

function run(): void {
  // Each has its own database: a statement of one must not end up in a transaction of the other.
  const db = open();
  const checkpoints = createCheckpointer({
    db,
    folder,
    tell: (note, size) => tell({ kind: "checkpoint", note, size }),
  });
  const writer =
    durability === "power"
      ? createAuditWriter({ db: open(), path, folder, kept, durability, boot, lockMs })
      : undefined;
  const newest = db.prepare("SELECT max(seq) AS seq FROM records");
  const lastSeq = (): number => Number(newest.get()?.seq ?? 0);
  let [moved, seen] = [-1, lastSeq()];

  /** Moves the WAL into the database, and takes the sync that the next write would have to wait for. */
  const move = (): void => {
    const { log, checkpointed } = db.prepare("PRAGMA wal_checkpoint(PASSIVE)").get() as Record<string, number>;
    moved = seen;
    if (log !== 0 && log === checkpointed) db.exec("UPDATE lives SET process = process");
  };

  tell({ kind: "ready" });
  writer?.recover();
  for (;;) {
    const idle = moved === seen && checkpoints.due() === Number.POSITIVE_INFINITY;
    Atomics.store(signal, flags.asleep, idle ? 1 : 0);
    // Whatever was written before that was announced has woken nobody.
    if (!idle || lastSeq() === seen)
      Atomics.wait(signal, flags.wake, 0, idle ? 60_000 : Math.min(checkpoints.due(), pauseMs));
    Atomics.store(signal, flags.asleep, 0);
    Atomics.store(signal, flags.wake, 0);
    for (let got = receiveMessageOnPort(port); got; got = receiveMessageOnPort(port)) {
      if (got.message === "close") {
        writer?.close();
        unlessLocked(() => void checkpoints.now());
        db.close();
        return;
      }
      const batch = got.message as Batch;
      tell({
        kind: "committed",
        result: writer?.write(batch, () => Atomics.load(signal, flags.abandoned) === 1) ?? { broken: "" },
      });
    }
    const seq = lastSeq();
    const quiet = seq === seen;
    seen = seq;
    unlessLocked(() => {
      checkpoints.look();
      if (checkpoints.due() === 0) {
        Atomics.store(signal, flags.count, 0);
        checkpoints.work();
      } else if (moved !== seen && (quiet || walBytes() > hurryBytes)) move();
    });
  }
}

const walBytes = (): number => statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;

try {
  run();
} catch (error) {
  tell({ kind: "committed", result: { broken: messageOf(error) } });
}
tell({ kind: "closed" });
port.close();
