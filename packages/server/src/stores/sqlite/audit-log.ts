import { join } from "node:path";
import type { SealedAuditLog } from "../../audit/sealed-log.ts";
import { ensureDataFolder } from "../data-folder.ts";
import type { AuditLog } from "../store.ts";
import { readAuditHead } from "./audit-head.ts";
import { createAuditKeeper } from "./audit-keeper.ts";
import { createReader } from "./audit-reader.ts";
import { auditMigrations } from "./audit-schema.ts";
import { type AuditWriter, createAuditWriter } from "./audit-writer.ts";
import { type CommitQueue, type Committer, createCommitQueue, Unrecordable } from "./commit-queue.ts";
import { openDatabase } from "./database.ts";

export interface AuditLogOptions {
  /** Which failure an acknowledged record survives: the death of the process (the default), or of the power too. */
  readonly durability?: "process" | "power" | undefined;
  /** Names this life of the process in the records of what the log itself does and finds. */
  readonly boot?: string | undefined;
  /** Takes each new checkpoint to whoever keeps it elsewhere. */
  checkpoint?(note: string, size: number): void;
}

/** How long the last checkpoint may take when the log is closed, in ms. */
const closeMs = 5_000;

/**
 * Opens `audit.db` of a data folder for writing. Several processes may append to one log. What has happened to it since it was last
 * written — acknowledged records gone, a process that died — is told by its first new records. Throws `DatabaseError` or `DataFolderError`.
 */
export function openAuditLog(folder: string, options: AuditLogOptions = {}): AuditLog {
  ensureDataFolder(folder);
  // Read before the log, which is never behind it while all is well.
  const kept = readAuditHead(folder);
  const path = join(folder, "audit.db");
  const { durability, boot, checkpoint = () => {} } = options;
  const open = () => openDatabase({ path, migrations: auditMigrations });
  const db = open();
  const keeper = createAuditKeeper({
    ...{ path, folder, kept, durability, boot, checkpoint },
    broke: (why) => queue.break(why),
  });
  // What survives the process is written in microseconds, sooner than a thread would be woken; what survives the power takes the disk's time.
  const writer = durability === "power" ? undefined : createAuditWriter({ db: open(), path, folder, kept, boot });
  writer?.recover();
  const queue: CommitQueue = createCommitQueue(writer ? onThisThread(writer, keeper.wrote) : keeper);
  let closing: Promise<void> | undefined;
  return {
    ...createReader(db),
    append: (entry) => queue.add(entry),
    fault: () => queue.fault(),
    depth: () => queue.depth(),
    close() {
      closing ??= (async () => {
        await queue.drain();
        writer?.close();
        await keeper.close(closeMs);
        db.close();
      })();
      return closing;
    },
  };
}

const onThisThread = (writer: AuditWriter, wrote: (records: number) => void = () => {}): Committer => ({
  begin(batch, done) {
    const result = writer.write(batch);
    if ("first" in result) wrote(batch.texts.length);
    done(result);
  },
  hurry: () => {},
  abandon: () => {},
  readyAt: () => 0,
});

/** Opens `audit.db` for reading alone, also while a server writes it or from a medium that cannot be written. Appending rejects. */
export function openAuditLogForReading(folder: string): SealedAuditLog {
  const db = openDatabase({ path: join(folder, "audit.db"), migrations: auditMigrations, readOnly: true });
  return {
    ...createReader(db),
    append: () => Promise.reject(new Unrecordable("The audit was opened for reading.")),
    fault: () => "The audit was opened for reading.",
    depth: () => 0,
    close: async () => {
      if (db.isOpen) db.close();
    },
  };
}

/** A log over a writer on this very thread: for what has to hold the writer's database itself. */
export function createAuditLog(reader: ReturnType<typeof createReader>, writer: AuditWriter): AuditLog {
  const queue = createCommitQueue(onThisThread(writer));
  return {
    ...reader,
    append: (entry) => queue.add(entry),
    fault: () => queue.fault(),
    depth: () => queue.depth(),
    async close() {
      await queue.drain();
      writer.close();
    },
  };
}
