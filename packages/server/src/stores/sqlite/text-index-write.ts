import type { DatabaseSync, StatementSync } from "node:sqlite";
import { setTimeout as delay, setImmediate } from "node:timers/promises";
import type { DocumentKey, FileStamp, IndexChange } from "../store.ts";
import { mostChunks } from "./text-index-schema.ts";

type Put = Extract<IndexChange, { kind: "put" }>;

const sliceMs = 8;
/** How long another's transaction is waited for. */
const lockMs = 5_000;
const locked = 5;

/**
 * Applies lists of changes, each in one transaction, giving the event loop its turn every few milliseconds. One list at a time. `db` must not
 * wait for locks by itself: that would stop this whole process, in which the lock's holder may run.
 */
export function createWriter(db: DatabaseSync): (changes: readonly IndexChange[]) => Promise<void> {
  const find = db.prepare("SELECT id, sha256, title, chunks FROM files WHERE source = ? AND path = ?");
  const add = db.prepare(
    "INSERT INTO files (source, path, size, mtime_ns, ino, sha256, title, chunks, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
  );
  const update = db.prepare(
    "UPDATE files SET size = ?, mtime_ns = ?, ino = ?, sha256 = ?, title = ?, chunks = ?, reason = ? WHERE id = ?",
  );
  const stamp = db.prepare("UPDATE files SET size = ?, mtime_ns = ?, ino = ? WHERE source = ? AND path = ?");
  const remove = db.prepare("DELETE FROM files WHERE id = ?");
  const addPassage = db.prepare("INSERT INTO passages (chunk, first, after, sha256, text) VALUES (?, ?, ?, ?, ?)");
  const addTerms = db.prepare("INSERT INTO terms (rowid, title, path, text) VALUES (?, ?, ?, ?)");
  const addLength = db.prepare("INSERT INTO lengths (chunk, length) VALUES (?, ?)");
  const removeLength = db.prepare("DELETE FROM lengths WHERE chunk = ?");
  const removePassage = db.prepare("DELETE FROM passages WHERE chunk = ?");
  const removeTerms = db.prepare("DELETE FROM terms WHERE rowid = ?");

  let since = 0;
  const pace = async (): Promise<void> => {
    if (performance.now() - since < sliceMs) return;
    await setImmediate();
    since = performance.now();
  };

  const known = (key: DocumentKey): Known | undefined => find.get(key.source, key.path) as unknown as Known | undefined;

  async function clear({ id, chunks }: Known): Promise<void> {
    for (let place = 0; place < chunks; place++) {
      removePassage.run(id * mostChunks + place);
      removeLength.run(id * mostChunks + place);
      removeTerms.run(id * mostChunks + place);
      await pace();
    }
  }

  async function save(key: DocumentKey, facts: Facts): Promise<number> {
    const { sha256, title, chunks, reason } = facts;
    const old = known(key);
    if (old) {
      await clear(old);
      update.run(...toColumns(facts.stamp), sha256, title, chunks, reason, old.id);
      return old.id;
    }
    const done = add.run(key.source, key.path, ...toColumns(facts.stamp), sha256, title, chunks, reason);
    return Number(done.lastInsertRowid);
  }

  async function put(change: Put): Promise<void> {
    const { key, sha256, title, chunks, terms } = change;
    if (chunks.length === 0 || chunks.length > mostChunks)
      throw new RangeError(`A document has 1 to ${mostChunks} chunks.`);
    const old = known(key);
    // Another process that follows the same folder was here first.
    if (old && old.sha256 === sha256 && old.title === title && old.chunks === chunks.length)
      return touch(stamp, key, change.stamp);
    const id = await save(key, { stamp: change.stamp, sha256, title, chunks: chunks.length, reason: null });
    for (const [place, chunk] of chunks.entries()) {
      const rowid = id * mostChunks + place;
      addPassage.run(rowid, chunk.start, chunk.end, chunk.sha256, chunk.text);
      addLength.run(rowid, chunk.terms.length);
      const about = place === 0 ? terms : { title: [], path: [] };
      addTerms.run(rowid, about.title.join(" "), about.path.join(" "), chunk.terms.join(" "));
      await pace();
    }
  }

  async function apply(change: IndexChange): Promise<void> {
    switch (change.kind) {
      case "put":
        return put(change);
      case "stamp":
        return touch(stamp, change.key, change.stamp);
      case "skip":
        await save(change.key, { stamp: change.stamp, sha256: "", title: "", chunks: 0, reason: change.reason });
        return;
      case "remove": {
        const old = known(change.key);
        if (!old) return;
        await clear(old);
        remove.run(old.id);
      }
    }
  }

  return async (changes) => {
    await begin(db);
    since = performance.now();
    try {
      for (const change of changes) {
        await apply(change);
        await pace();
      }
      db.exec("COMMIT");
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
  };
}

async function begin(db: DatabaseSync): Promise<void> {
  const end = performance.now() + lockMs;
  for (;;) {
    try {
      return db.exec("BEGIN IMMEDIATE");
    } catch (error) {
      if (((error as { errcode?: number }).errcode ?? 0) % 256 !== locked || performance.now() > end) throw error;
      await delay(10 + Math.random() * 20);
    }
  }
}

interface Known {
  readonly id: number;
  readonly sha256: string;
  readonly title: string;
  readonly chunks: number;
}

interface Facts {
  readonly stamp: FileStamp;
  readonly sha256: string;
  readonly title: string;
  readonly chunks: number;
  readonly reason: string | null;
}

const toColumns = ({ size, mtimeNs, ino }: FileStamp): [number, bigint, bigint] => [
  size,
  mtimeNs,
  BigInt.asIntN(64, ino),
];

const touch = (stamp: StatementSync, key: DocumentKey, to: FileStamp): void =>
  void stamp.run(...toColumns(to), key.source, key.path);
