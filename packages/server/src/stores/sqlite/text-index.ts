import type { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import type { DocumentKey, IndexChange, IndexedDocument, KnownFile, Posting, TextIndex } from "../store.ts";
import { openDatabase, toDatabaseError } from "./database.ts";
import { migrations, mostChunks } from "./text-index-schema.ts";
import { createWriter } from "./text-index-write.ts";

/**
 * The full-text index in one SQLite file (FTS5). Several processes may have it open; each waits at most 5 s for another's transaction.
 * Throws `DatabaseError` when the file cannot be used.
 *
 * Writing has a connection of its own, so that a long change gives the event loop its turns while readers see the state before it.
 */
export function openTextIndex({ path }: { readonly path: string }): TextIndex {
  const writing = openDatabase({ path, migrations, busyMs: 0 });
  const reading = openDatabase({ path, migrations });
  reading.exec("CREATE VIRTUAL TABLE temp.instances USING fts5vocab(main, terms, instance)");
  const write = createWriter(writing);
  const byKey = reading.prepare("SELECT id, title, reason FROM files WHERE source = ? AND path = ?");
  const byIds = reading.prepare(
    "SELECT id, source, path, title FROM files WHERE id IN (SELECT value FROM json_each(?)) AND reason IS NULL",
  );
  const bySource = reading.prepare(
    "SELECT path, size, mtime_ns AS mtimeNs, ino, sha256, chunks, reason FROM files WHERE source = ?",
  );
  bySource.setReadBigInts(true);
  const byChunk = reading.prepare("SELECT first, after, sha256, text FROM passages WHERE chunk = ?");

  const said = async <T>(work: () => Promise<T> | T): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw toDatabaseError(error, path);
    }
  };

  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (changes: readonly IndexChange[]): Promise<void> => {
    const turn = last.then(() => write(changes));
    last = turn.catch(() => {});
    return turn;
  };

  return {
    apply: (changes) => said(() => inTurn(changes)),
    files: (source) => said(() => new Map(bySource.all(source).map((row) => [String(row.path), toKnown(source, row)]))),
    postings: (term) => said(() => postings(reading, term)),
    phrase: (terms) => said(() => phrase(reading, terms)),
    document: (key) => said(() => toDocument(key, byKey.get(key.source, key.path))),
    documents: (ids) => said(() => byIds.all(JSON.stringify(ids)) as unknown as readonly IndexedDocument[]),
    passage: (chunk) =>
      said(() => {
        const row = byChunk.get(chunk);
        return (
          row && {
            start: Number(row.first),
            end: Number(row.after),
            sha256: String(row.sha256),
            text: String(row.text),
          }
        );
      }),
    async close() {
      await last;
      reading.close();
      writing.close();
    },
  };
}

type Row = Record<string, unknown>;

const toKnown = (source: string, row: Row): KnownFile => ({
  source,
  path: String(row.path),
  size: Number(row.size),
  mtimeNs: row.mtimeNs as bigint,
  ino: BigInt.asUintN(64, row.ino as bigint),
  sha256: String(row.sha256),
  chunks: Number(row.chunks),
  ...(row.reason !== null && { reason: String(row.reason) }),
});

const toDocument = (key: DocumentKey, row: Row | undefined): IndexedDocument | undefined =>
  row && row.reason === null ? { ...key, id: Number(row.id), title: String(row.title) } : undefined;

const rowsPerTurn = 4_096;

async function postings(db: DatabaseSync, term: string): Promise<readonly Posting[]> {
  // A statement of its own: it stays open over turns of the event loop, in which another query may ask the same.
  const statement = db.prepare(
    "SELECT doc, col, n, length FROM (SELECT doc, col, count(*) AS n FROM temp.instances WHERE term = ? GROUP BY doc, col) JOIN lengths ON chunk = doc",
  );
  statement.setReturnArrays(true);
  const found: Posting[] = [];
  for (const row of statement.iterate(term) as Iterable<unknown>) {
    const [chunk, field, count, length] = row as [number, Posting["field"], number, number];
    found.push({ document: Math.floor(chunk / mostChunks), chunk, field, count, length });
    if (found.length % rowsPerTurn === 0) await setImmediate();
  }
  return found;
}

const fields = ["title", "path", "text"] as const;

async function phrase(db: DatabaseSync, terms: readonly string[]): Promise<readonly Posting[]> {
  const quoted = `"${terms.join(" ").replaceAll('"', '""')}"`;
  const found: Posting[] = [];
  for (const field of fields) {
    const statement = db.prepare(
      "SELECT chunk, length FROM terms JOIN lengths ON chunk = terms.rowid WHERE terms MATCH ?",
    );
    for (const row of statement.iterate(`{${field}} : ${quoted}`)) {
      const chunk = Number(row.chunk);
      found.push({ document: Math.floor(chunk / mostChunks), chunk, field, count: 1, length: Number(row.length) });
      if (found.length % rowsPerTurn === 0) await setImmediate();
    }
  }
  return found;
}
