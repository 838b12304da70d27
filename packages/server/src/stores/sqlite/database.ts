import { accessSync, chmodSync, closeSync, constants, fsyncSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";

/** Why a database file cannot be used; `message` says which and what to do. */
export class DatabaseError extends Error {
  readonly reason: Reason;
  readonly file: string;

  constructor(reason: Reason, file: string, cause?: unknown) {
    super(`${file} ${sentences[reason]}`, { cause });
    this.name = "DatabaseError";
    this.reason = reason;
    this.file = file;
  }
}

const sentences = {
  missing: "is not there: nothing has been kept in this data folder yet.",
  "read-only": "cannot be written: check who owns the data folder and whether its disk is mounted read-only.",
  corrupt: "is damaged or not a database of ours: move it aside and restore a copy.",
  locked: "is locked by another process: wait until that has ended, or end it.",
  full: "cannot grow: the disk is full or the file is at its limit.",
  newer: "was written by a newer version: install that, or choose another data folder.",
  unreadable: "cannot be read or written: the system reports a fault of the disk or of the file's rights.",
} as const;

export type Reason = keyof typeof sentences;

/** SQLite's primary result codes that have a sentence of their own (https://sqlite.org/rescode.html). */
const reasons: Readonly<Record<number, Reason>> = {
  3: "read-only",
  5: "locked",
  6: "locked",
  8: "read-only",
  10: "unreadable",
  11: "corrupt",
  13: "full",
  14: "unreadable",
  26: "corrupt",
};

/** Puts a name and a sentence to what SQLite throws; anything else comes back as it is. */
export function toDatabaseError(error: unknown, file: string): unknown {
  const code = (error as { errcode?: number } | null)?.errcode;
  const reason = code === undefined ? undefined : reasons[code & 0xff];
  return reason === undefined ? error : new DatabaseError(reason, file, error);
}

export interface OpenOptions {
  readonly path: string;
  /** The schema as steps, of which none is ever changed: the file's `user_version` counts those that it has been through. */
  readonly migrations: readonly string[];
  readonly readOnly?: boolean;
  /** What a commit survives: the death of the process, or of the power too. */
  readonly durability?: "process" | "power";
  /** How long a statement waits, without giving way to anything else, for another process's lock. */
  readonly busyMs?: number;
}

/**
 * Opens a database in WAL mode, readable by its owner alone, and brings its schema up to date. Several processes may have it open at once.
 * Throws `DatabaseError`.
 */
export function openDatabase(options: OpenOptions): DatabaseSync {
  const { path, readOnly = false } = options;
  try {
    return readOnly ? openReadOnly(options) : openWritable(options);
  } catch (error) {
    if (readOnly && !exists(path)) throw new DatabaseError("missing", path, error);
    throw toDatabaseError(error, path);
  }
}

function openWritable({ path, migrations, durability = "process", busyMs = 250 }: OpenOptions): DatabaseSync {
  createPrivately(path);
  const db = new DatabaseSync(path, { timeout: 2_000 });
  try {
    // The switch to WAL does not wait for a lock as statements do, and several processes may make it at once.
    patiently(() => db.exec("PRAGMA journal_mode = WAL"));
    db.exec(`PRAGMA synchronous = ${durability === "power" ? "FULL" : "NORMAL"}; PRAGMA trusted_schema = OFF`);
    if (versionOf(db) !== migrations.length) migrate(db, path, migrations);
    db.exec(`PRAGMA busy_timeout = ${busyMs}`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function openReadOnly({ path, migrations }: OpenOptions): DatabaseSync {
  const db = openAsItIs(path);
  const version = versionOf(db);
  if (version > 0 && version <= migrations.length) return db;
  db.close();
  throw new DatabaseError(version === 0 ? "missing" : "newer", path);
}

function openAsItIs(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true, timeout: 2_000 });
  try {
    versionOf(db);
    return db;
  } catch (error) {
    db.close();
    // A copy on a medium that cannot be written has no room for WAL's shared memory; without a WAL it can be read as it stands.
    if ((statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) throw error;
    return new DatabaseSync(new URL(`${pathToFileURL(path).href}?immutable=1`), { readOnly: true });
  }
}

const versionOf = (db: DatabaseSync): number => Number(db.prepare("PRAGMA user_version").get()?.user_version);

function migrate(db: DatabaseSync, path: string, migrations: readonly string[]): void {
  transact(db, () => {
    const version = versionOf(db);
    if (version > migrations.length) throw new DatabaseError("newer", path);
    for (const step of migrations.slice(version)) db.exec(step);
    db.exec(`PRAGMA user_version = ${migrations.length}`);
  });
}

/** Runs `work` in one transaction that holds the write lock from its start: all of it is kept, or nothing. */
export function transact<T>(db: DatabaseSync, work: () => T): T {
  db.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    db.exec("COMMIT");
    return result;
  } catch (error) {
    // Some failures have ended the transaction already.
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

/** SQLite gives a database's mode to the files beside it. An existing file is not opened: closing it would drop the locks this process has. */
function createPrivately(path: string): void {
  const existing = statSync(path, { throwIfNoEntry: false });
  try {
    if (existing) {
      accessSync(path, constants.W_OK);
      if ((existing.mode & 0o077) !== 0) chmodSync(path, 0o600);
      return;
    }
    closeSync(openSync(path, "wx", 0o600));
    const folder = openSync(dirname(path), "r");
    fsyncSync(folder);
    closeSync(folder);
  } catch (error) {
    // Another process that starts at the same time may have been first.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw toCreationError(error, path);
  }
}

function toCreationError(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (["EACCES", "EPERM", "EROFS"].includes(code)) return new DatabaseError("read-only", path, error);
  if (["ENOSPC", "EDQUOT"].includes(code)) return new DatabaseError("full", path, error);
  return new DatabaseError("unreadable", path, error);
}

const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

const nap = new Int32Array(new SharedArrayBuffer(4));

function patiently<T>(work: () => T): T {
  const end = performance.now() + 2_000;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (reasons[((error as { errcode?: number }).errcode ?? 0) & 0xff] !== "locked" || performance.now() > end)
        throw error;
      Atomics.wait(nap, 0, 0, 5);
    }
  }
}
