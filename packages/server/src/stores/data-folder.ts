import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Why a data folder cannot be used; `message` says which and what to do. */
export class DataFolderError extends Error {
  readonly reason: "in-use" | "not-writable" | "not-a-folder";

  constructor(reason: DataFolderError["reason"], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "DataFolderError";
    this.reason = reason;
  }
}

/** Who serves a data folder. */
export interface Holder {
  readonly pid: number;
  /** Where it listens, once it does. */
  readonly url?: string;
  /** ISO 8601. */
  readonly since: string;
}

export interface DataFolder extends Disposable {
  readonly path: string;
  /** Tells other processes where this server listens. */
  announce(url: string): void;
  release(): void;
}

/** Makes the folder, for its owner alone, when it is not there. An existing folder keeps its rights: it may be more than ours. */
export function ensureDataFolder(path: string): void {
  try {
    makeFolder(resolve(path));
    if (!statSync(path).isDirectory()) throw new Error("it is a file");
  } catch (error) {
    throw toFolderError(path, error);
  }
}

/** Node's own `recursive` never comes back from a parent that is there but takes no folders, such as /proc. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" || existsSync(path)) return;
    if (code !== "ENOENT" || dirname(path) === path || existsSync(dirname(path))) throw error;
    makeFolder(dirname(path));
    makeFolder(path);
  }
}

/**
 * Takes the folder for one server. The lock is the operating system's and ends with the process, however that ends; commands and stdio
 * sessions open the databases without it. Throws `DataFolderError`.
 */
export function acquireDataFolder(path: string): DataFolder {
  ensureDataFolder(path);
  const lock = takeLock(path);
  const sidecar = join(path, "server.json");
  const since = new Date().toISOString();
  const tell = (holder: Holder): void => {
    writeFileSync(`${sidecar}.new`, `${JSON.stringify(holder)}\n`, { mode: 0o600 });
    renameSync(`${sidecar}.new`, sidecar);
  };
  try {
    tell({ pid: process.pid, since });
  } catch (error) {
    locks.delete(lock);
    lock.close();
    throw toFolderError(path, error);
  }
  const release = (): void => {
    if (!lock.isOpen) return;
    // Before the lock goes: the next server writes its own.
    rmSync(sidecar, { force: true });
    locks.delete(lock);
    lock.close();
  };
  return { path, announce: (url) => tell({ pid: process.pid, url, since }), release, [Symbol.dispose]: release };
}

/** Who holds the folder, as they said; undefined when they did not. It tells nothing of whether they still do. */
export function readHolder(path: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(join(path, "server.json"), "utf8")) as Partial<Holder> | null;
    if (typeof holder?.pid !== "number" || typeof holder.since !== "string") return undefined;
    return { pid: holder.pid, since: holder.since, ...(typeof holder.url === "string" && { url: holder.url }) };
  } catch {
    return undefined;
  }
}

/** Whether the process that named itself is still there; another program may have its number by now. */
export function isAlive({ pid }: Pick<Holder, "pid">): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // It is there, and another user's.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Keeps the locks reachable: one that nobody names any more would be collected, and its file closed with it. */
const locks = new Set<DatabaseSync>();

/** A file that must only ever be opened through SQLite: closing any other descriptor of it would drop the lock. */
function takeLock(path: string): DatabaseSync {
  const file = join(path, "server.lock");
  let lock: DatabaseSync | undefined;
  try {
    if (!existsSync(file)) closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    // Another server that starts at the same time may have been first.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw toFolderError(path, error);
  }
  try {
    lock = new DatabaseSync(file, { timeout: 0 });
    lock.exec("BEGIN EXCLUSIVE");
    locks.add(lock);
    return lock;
  } catch (error) {
    lock?.close();
    if (((error as { errcode?: number }).errcode ?? 0) % 256 !== 5) throw toFolderError(path, error);
    throw new DataFolderError(
      "in-use",
      `Another server (${spell(readHolder(path))}) uses the data folder ${path}; stop it or choose another with --data.`,
    );
  }
}

const spell = (holder: Holder | undefined): string =>
  holder
    ? [`pid ${holder.pid}`, ...(holder.url ? [holder.url] : []), `since ${holder.since}`].join(", ")
    : "just starting";

function toFolderError(path: string, error: unknown): DataFolderError {
  if (existsSync(path) && !statSync(path).isDirectory())
    return new DataFolderError("not-a-folder", `${path} is not a folder; choose another with --data.`, error);
  const why = error instanceof Error ? error.message : String(error);
  return new DataFolderError(
    "not-writable",
    `The data folder ${path} cannot be written (${why}); change its rights or choose another with --data.`,
    error,
  );
}

/** Has the names in a folder on the disk for good: what was renamed into it stays there when the power fails. */
export function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
