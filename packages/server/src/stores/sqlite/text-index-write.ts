import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import type { DocumentKey, FileStamp, IndexChange, NewDocument, Segment, TermBlock } from "../store.ts";
import { most } from "./text-index-schema.ts";

/** How long another's transaction is waited for. */
const lockMs = 5_000;
const locked = 5;
/** How many departures are remembered; who has missed more looks at everything anew. */
const mostGone = 200_000;

const noStamp: FileStamp = { size: 0, mtimeNs: -1n, ino: 0n };

/** Writes changes with their segment, each list in one transaction; one at a time. `db` must not wait for locks by itself. */
export function createWriter(db: DatabaseSync): (changes: readonly IndexChange[], segment: Segment) => Promise<void> {
  const findFile = db.prepare("SELECT id FROM files WHERE source = ? AND path = ?");
  const addFile = db.prepare(
    "INSERT INTO files (source, path, size, mtime_ns, ino, sha256, reason) VALUES (?, ?, ?, ?, ?, ?, ?)",
  );
  const updateFile = db.prepare(
    "UPDATE files SET size = ?, mtime_ns = ?, ino = ?, sha256 = ?, reason = ? WHERE id = ?",
  );
  const stampFile = db.prepare("UPDATE files SET size = ?, mtime_ns = ?, ino = ? WHERE source = ? AND path = ?");
  const removeFile = db.prepare("DELETE FROM files WHERE id = ?");
  const partsOf = db.prepare("SELECT id, part FROM documents WHERE file = ?");
  const findDocument = db.prepare("SELECT id, sha256, title FROM documents WHERE file = ? AND part = ?");
  const addDocument = db.prepare("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const addText = db.prepare("INSERT INTO texts VALUES (?, ?)");
  const addPassage = db.prepare("INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?)");
  const removals = [
    db.prepare("DELETE FROM documents WHERE id = ?"),
    db.prepare("DELETE FROM texts WHERE document = ?"),
    db.prepare("INSERT INTO gone (document) VALUES (?)"),
  ];
  const removePassages = db.prepare("DELETE FROM passages WHERE id >= ? AND id < ?");
  const nextDocument = db.prepare("SELECT document FROM next");
  const setNext = db.prepare("UPDATE next SET document = ?");
  const addSegment = createSegmentAdder(db);

  const fileOf = (key: DocumentKey): number | undefined => findFile.get(key.source, key.path)?.id as number | undefined;

  const clear = (document: number): void => {
    for (const removal of removals) removal.run(document);
    removePassages.run(document * most, (document + 1) * most);
  };

  const save = (key: DocumentKey, stamp: FileStamp, kept: { sha256: string; reason: string | null }): number => {
    const known = fileOf(key);
    if (known !== undefined) {
      updateFile.run(...toColumns(stamp), kept.sha256, kept.reason, known);
      return known;
    }
    return Number(addFile.run(key.source, key.path, ...toColumns(stamp), kept.sha256, kept.reason).lastInsertRowid);
  };

  const put = (file: number, id: number, document: NewDocument): void => {
    const { part, sha256, title, passages } = document;
    if (passages.length === 0 || passages.length > most) throw new RangeError(`A document has 1 to ${most} passages.`);
    const old = findDocument.get(file, part);
    // Another process that follows the same folder was here first.
    if (old && old.sha256 === sha256 && old.title === title) return;
    if (old) clear(old.id as number);
    const { language, time, about, words, facts, text } = document;
    addDocument.run(
      id,
      file,
      part,
      sha256,
      title,
      language,
      Math.round(time),
      about,
      words,
      passages.length,
      JSON.stringify(facts),
    );
    if (text) addText.run(id, text);
    let place = id * most;
    for (const { start, end, sha256, label, identity, text } of passages)
      addPassage.run(place++, start, end, Buffer.from(sha256, "hex"), label, identity ?? null, text);
  };

  const apply = (change: IndexChange, base: number): void => {
    const { key } = change;
    switch (change.kind) {
      case "add": {
        const file = save(key, noStamp, { sha256: "", reason: null });
        for (const document of change.documents) put(file, base + document.number, document);
        return;
      }
      case "done": {
        const file = save(key, change.stamp, { sha256: change.sha256, reason: null });
        for (const { id, part } of partsOf.all(file)) if (!change.parts.has(part as string)) clear(id as number);
        return;
      }
      case "stamp":
        return void stampFile.run(...toColumns(change.stamp), key.source, key.path);
      case "skip": {
        const file = save(key, change.stamp, { sha256: "", reason: change.reason });
        for (const { id } of partsOf.all(file)) clear(id as number);
        return;
      }
      case "remove": {
        const file = fileOf(key);
        if (file === undefined) return;
        for (const { id } of partsOf.all(file)) clear(id as number);
        removeFile.run(file);
      }
    }
  };

  return (changes, segment) =>
    transact(db, () => {
      const base = nextDocument.get()?.document as number;
      let next = base;
      for (const change of changes) apply(change, base);
      for (const number of segment.documents) next = Math.max(next, base + number + 1);
      if (next > base) setNext.run(next);
      if (segment.documents.length > 0)
        addSegment({ ...segment, documents: segment.documents.map((document) => document + base) });
    });
}

/** Keeps a whole segment; its documents have their own ids. */
export function createSegmentAdder(db: DatabaseSync): (segment: Segment) => void {
  const add = db.prepare("INSERT INTO segments (documents, lengths, firsts, vocabulary) VALUES (?, ?, ?, ?)");
  const addBlock = db.prepare("INSERT INTO blocks VALUES (?, ?, ?)");
  return ({ documents, lengths, blocks, vocabulary }) => {
    const firsts = blocks.map(({ first }) => first).join("\n");
    let place = Number(add.run(toBytes(documents), toBytes(lengths), firsts, vocabulary).lastInsertRowid) * most;
    for (const { postings, positions } of blocks) addBlock.run(place++, postings, positions);
  };
}

/** Removes segments with their blocks; a few at most. */
export function dropSegments(db: DatabaseSync, ids: readonly number[]): void {
  for (const id of ids) {
    db.prepare("DELETE FROM blocks WHERE id >= ? AND id < ?").run(id * most, (id + 1) * most);
    db.prepare("DELETE FROM segments WHERE id = ?").run(id);
  }
}

/** Puts blocks behind those that a segment already has. */
export function addBlocks(db: DatabaseSync, { from, blocks }: { from: number; blocks: readonly TermBlock[] }): void {
  const add = db.prepare("INSERT INTO blocks VALUES (?, ?, ?)");
  let place = from;
  for (const { postings, positions } of blocks) add.run(place++, postings, positions);
}

export function forgetGone(db: DatabaseSync): void {
  db.prepare("DELETE FROM gone WHERE seq <= (SELECT max(seq) FROM gone) - ?").run(mostGone);
}

/** Runs `work` in a transaction, waiting for another's at most 5 s; nothing is done when it throws. */
export async function transact<T>(db: DatabaseSync, work: () => T): Promise<T> {
  const end = performance.now() + lockMs;
  for (;;) {
    try {
      db.exec("BEGIN IMMEDIATE");
      break;
    } catch (error) {
      if (((error as { errcode?: number }).errcode ?? 0) % 256 !== locked || performance.now() > end) throw error;
      await delay(10 + Math.random() * 20);
    }
  }
  try {
    const result = work();
    db.exec("COMMIT");
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

export const toBytes = (array: Uint32Array | Uint16Array): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

const toColumns = ({ size, mtimeNs, ino }: FileStamp): [SQLInputValue, SQLInputValue, SQLInputValue] => [
  size,
  mtimeNs,
  BigInt.asIntN(64, ino),
];
