import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { ulid } from "ulid";
import { genesis, linkHash } from "../../audit/chain.ts";
import { recoveryName, sealRecord } from "../../audit/record.ts";
import { ensureDataFolder } from "../data-folder.ts";
import type { AuditLog, Entry, Head, StoredRecord } from "../store.ts";
import { type KeptHead, openHeadFile, readAuditHead } from "./audit-head.ts";
import { createCommitQueue, Unrecordable, type Written } from "./commit-queue.ts";
import { DatabaseError, openDatabase, toDatabaseError } from "./database.ts";

// No index on the call's id: it would cost every call a third of its record, to help a look-up that an owner makes now and then.
const migrations = [`CREATE TABLE records (seq INTEGER PRIMARY KEY, body TEXT NOT NULL, hash TEXT NOT NULL) STRICT;`];

export interface AuditLogOptions {
  /** Which failure an acknowledged record survives: the death of the process (the default), or of the power too. */
  readonly durability?: "process" | "power" | undefined;
  /** Names this life of the process in a record of what the log itself found at its start. */
  readonly boot?: string | undefined;
}

/**
 * Opens `audit.db` of a data folder for writing. Several processes may append to one log. When acknowledged records have gone since it was
 * last written, its first new record says so. Throws `DatabaseError` or `DataFolderError`.
 */
export function openAuditLog(folder: string, options: AuditLogOptions = {}): AuditLog {
  ensureDataFolder(folder);
  // Read before the log, which is never behind it while all is well.
  const kept = readAuditHead(folder);
  const path = join(folder, "audit.db");
  const db = openDatabase({
    path,
    migrations,
    busyMs: 0,
    ...(options.durability && { durability: options.durability }),
  });
  return createAuditLog({ db, folder, kept, ...options });
}

/** Opens `audit.db` for reading alone, also while a server writes it or from a medium that cannot be written. Appending rejects. */
export function openAuditLogForReading(folder: string): AuditLog {
  const db = openDatabase({ path: join(folder, "audit.db"), migrations, readOnly: true });
  return {
    ...createReader(db),
    append: () => Promise.reject(new Unrecordable("The audit was opened for reading.")),
    fault: () => "The audit was opened for reading.",
    close: async () => {
      if (db.isOpen) db.close();
    },
  };
}

export interface AuditLogParts extends AuditLogOptions {
  /** Opened with `openDatabase`, without waiting for locks. */
  readonly db: DatabaseSync;
  readonly folder: string;
  readonly kept?: KeptHead | undefined;
}

/** How many pages (4 KiB) the WAL may have before a commit has to move them; while calls come in pauses, the pauses do it. */
const mostWalPages = 4_096;
const pauseMs = 200;

export function createAuditLog({ db, folder, kept, durability = "process", boot = "" }: AuditLogParts): AuditLog {
  const path = join(folder, "audit.db");
  db.exec(`PRAGMA wal_autocheckpoint = ${mostWalPages}`);
  const head = openHeadFile(folder, durability);
  const reader = createReader(db);
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  const insert = db.prepare("INSERT INTO records (seq, body, hash) VALUES (?, ?, ?)");
  const checkpoint = createIdleCheckpoint(db);

  // Another process lets go within microseconds, most often; whoever waits longer gives way to the event loop.
  const beginSoon = (): void => {
    for (let tries = 1; ; tries++) {
      try {
        return void begin.run();
      } catch (error) {
        const known = toDatabaseError(error, path);
        if (tries === 20 || !(known instanceof DatabaseError && known.reason === "locked")) throw known;
      }
    }
  };

  const write = (entries: readonly Entry[]): readonly Written[] => {
    beginSoon();
    try {
      // Read anew each time: another process may have written since.
      let last: Head = reader.last() ?? { seq: 0, hash: genesis };
      const written = entries.map((entry): Written => {
        const record = seal(entry, last);
        if ("error" in record) return record;
        const { seq, body, hash } = record.record;
        insert.run(seq, body, hash);
        last = record.record;
        return record;
      });
      commit.run();
      head.write(last);
      checkpoint.soon();
      return written;
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw toDatabaseError(error, path);
    }
  };

  const queue = createCommitQueue(write);
  const gone = kept && findGone(reader, kept);
  // Should this fail, the queue tells it as its fault, like any other record's failure.
  if (gone) queue.add(tellGone(gone, boot)).catch(() => {});
  let closing: Promise<void> | undefined;

  return {
    ...reader,
    append: (entry) => queue.add(entry),
    fault: () => queue.fault(),
    close() {
      closing ??= queue.drain().then(() => {
        checkpoint.stop();
        head.close();
        db.close();
      });
      return closing;
    },
  };
}

/** A builder that fails costs its own record, not those that share the commit. */
function seal(entry: Entry, { seq, hash }: Head): Written {
  try {
    const body = entry(seq + 1, hash);
    return { record: { seq: seq + 1, body, hash: linkHash(hash, body) } };
  } catch (error) {
    return { error };
  }
}

function createReader(db: DatabaseSync) {
  const last = db.prepare("SELECT seq, body, hash FROM records ORDER BY seq DESC LIMIT 1");
  const after = db.prepare("SELECT seq, body, hash FROM records WHERE seq > ? ORDER BY seq LIMIT ?");
  const byId = db.prepare("SELECT seq, body, hash FROM records WHERE body ->> '$.id' = ? ORDER BY seq");
  return {
    last: () => last.get() as StoredRecord | undefined,
    head: async () => last.get() as StoredRecord | undefined,
    read: async (seq: number, limit: number) => after.all(seq, limit) as unknown as readonly StoredRecord[],
    find: async (id: string) => byId.all(id) as unknown as readonly StoredRecord[],
  };
}

/** Moves the WAL into the database when no record has come for a while, so that no call waits for it. */
function createIdleCheckpoint(db: DatabaseSync) {
  let busy = false;
  let timer: NodeJS.Timeout | undefined;
  const onPause = (): void => {
    timer = undefined;
    if (busy) {
      arm();
      return;
    }
    try {
      db.exec("PRAGMA wal_checkpoint(PASSIVE)");
    } catch {
      // Nothing is lost: the records stay in the WAL, and a disk that fails will say so at the next append.
    }
  };
  const arm = (): void => {
    busy = false;
    timer = setTimeout(onPause, pauseMs).unref();
  };
  return {
    soon(): void {
      busy = true;
      if (timer === undefined) arm();
    },
    stop: (): void => clearTimeout(timer),
  };
}

interface Gone {
  readonly kind: "lost" | "truncated";
  readonly message: string;
}

function findGone(reader: ReturnType<typeof createReader>, kept: KeptHead): Gone | undefined {
  const last = reader.last();
  if (last !== undefined && last.seq >= kept.seq) return undefined;
  const from = (last?.seq ?? 0) + 1;
  const cause = kept.perishable ? "lost with the machine's power, or removed" : "removed from the end of the log";
  return {
    kind: kept.perishable ? "lost" : "truncated",
    message: `Records ${from} to ${kept.seq} were acknowledged and are gone: ${cause}. The last of them had the hash ${kept.hash}.`,
  };
}

const tellGone = ({ kind, message }: Gone, boot: string): Entry =>
  sealRecord({
    kind: "system",
    id: ulid(),
    at: new Date().toISOString(),
    boot,
    method: recoveryName,
    reason: message,
    outcome: kind,
  });
