import type { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import type { DocumentEntry, IndexedDocument, KeptSegment, KnownFile, Passage, TextIndex } from "../store.ts";
import { openDatabase, toDatabaseError } from "./database.ts";
import { beginSegment } from "./text-index-merge.ts";
import { migrations, most } from "./text-index-schema.ts";
import { createWriter } from "./text-index-write.ts";

type Row = Record<string, unknown>;

const rowsPerTurn = 1_000;

/**
 * The text index in one SQLite file. Several processes and threads may have it open; each waits at most 5 s for another's transaction. Throws
 * `DatabaseError` when the file cannot be used. Writing has a connection of its own, opened when something is first written.
 */
export function openTextIndex({ path }: { readonly path: string }): TextIndex {
  const reading = openDatabase({ path, migrations });
  reading.exec("PRAGMA cache_size = -16000");
  let writing: DatabaseSync | undefined;
  let write: ReturnType<typeof createWriter> | undefined;
  const writer = (): DatabaseSync => {
    writing ??= openDatabase({ path, migrations, busyMs: 0 });
    return writing;
  };
  const said = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw toDatabaseError(error, path);
    }
  };
  const later = async <T>(work: () => Promise<T> | T): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw toDatabaseError(error, path);
    }
  };
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  };

  const query = (sql: string) => reading.prepare(sql);
  // Row by row, with nothing to sort: there may be very many.
  const ofFile = "FROM documents WHERE file = f.id";
  const bySource =
    "SELECT path, size, mtime_ns AS mtimeNs, ino, sha256, reason," +
    ` (SELECT count(*) ${ofFile}) AS documents, (SELECT coalesce(sum(passages), 0) ${ofFile}) AS passages FROM files f WHERE source = ?`;
  const stampsBySource = query(
    "SELECT path, size || ' ' || mtime_ns || ' ' || ino AS stamp FROM files WHERE source = ?",
  );
  const hashByKey = query("SELECT sha256 FROM files WHERE source = ? AND path = ?");
  const byPart = query(
    "SELECT part, d.sha256 FROM documents d JOIN files f ON f.id = d.file WHERE source = ? AND path = ?",
  );
  const version = query("PRAGMA data_version");
  const segmentIds = query("SELECT id FROM segments WHERE firsts IS NOT NULL ORDER BY id");
  const segmentById = query("SELECT documents, lengths, firsts FROM segments WHERE id = ? AND firsts IS NOT NULL");
  const vocabularyOf = query("SELECT vocabulary FROM segments WHERE id = ?");
  const postingsOf = query("SELECT postings FROM blocks WHERE id = ?");
  const blockById = query("SELECT postings, positions FROM blocks WHERE id = ?");
  const columns = "d.id, source, path, part, language, time, about, words, passages";
  const joined = "FROM documents d JOIN files f ON f.id = d.file";
  const entriesAfter = `SELECT ${columns} ${joined} WHERE d.id > ? ORDER BY d.id`;
  const full = `SELECT ${columns}, title, facts, EXISTS (SELECT 1 FROM texts WHERE document = d.id) AS derived, size, cast(mtime_ns AS TEXT) AS mtimeNs, cast(ino AS TEXT) AS ino ${joined}`;
  const documentByKey = query(`${full} WHERE source = ? AND path = ? AND part = ?`);
  const documentById = query(`${full} WHERE d.id = ?`);
  const passageById = query("SELECT first, after, sha256, label, identity, text FROM passages WHERE id = ?");
  const passageTextById = query("SELECT text FROM passages WHERE id = ?");
  const textById = query("SELECT text FROM texts WHERE document = ?");
  const goneBounds = query(
    "SELECT coalesce(min(seq), 1) AS first, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'gone'), 0) AS last FROM gone",
  );
  const goneAfter = query("SELECT document FROM gone WHERE seq > ?");

  return {
    apply: (changes, segment) =>
      later(() =>
        inTurn(() => {
          write ??= createWriter(writer());
          return write(changes, segment);
        }),
      ),
    replace: (segments) => later(() => inTurn(() => beginSegment(writer(), segments))),
    files: (source) =>
      later(async () => {
        const files = new Map<string, KnownFile>();
        const statement = query(bySource);
        statement.setReadBigInts(true);
        for (const row of statement.iterate(source)) {
          files.set(row.path as string, toKnown(source, row));
          if (files.size % rowsPerTurn === 0) await setImmediate();
        }
        return files;
      }),
    stamps: (source) =>
      later(() => {
        const stamps = new Map<string, string>();
        for (const { path, stamp } of stampsBySource.iterate(source)) stamps.set(path as string, stamp as string);
        return stamps;
      }),
    sha256: ({ source, path }) => said(() => hashByKey.get(source, path)?.sha256 as string | undefined),
    parts: ({ source, path }) =>
      later(() => new Map(byPart.all(source, path).map((row) => [row.part as string, row.sha256 as string]))),
    still(work) {
      if (reading.isTransaction) return work();
      return said(() => {
        reading.exec("BEGIN");
        try {
          return work();
        } finally {
          reading.exec("COMMIT");
        }
      });
    },
    version: () => said(() => version.get()?.data_version as number),
    segments: () => said(() => segmentIds.all().map(({ id }) => id as number)),
    segment: (id) => said(() => toSegment(id, segmentById.get(id))),
    block: (segment, place, positions) =>
      said(() => {
        const row = (positions ? blockById : postingsOf).get(segment * most + place);
        return row && { postings: row.postings as Uint8Array, positions: (row.positions as Uint8Array) ?? nothing };
      }),
    vocabulary: (segment) => said(() => (vocabularyOf.get(segment)?.vocabulary as string | undefined) ?? ""),
    // A statement of its own: it stays open over turns of the event loop, in which another may ask the same.
    entries: (after) => said(() => query(entriesAfter).iterate(after) as unknown as IterableIterator<DocumentEntry>),
    gone: (since) =>
      said(() => {
        const bounds = goneBounds.get() as { first: number; last: number };
        if (since < bounds.first - 1 && since < bounds.last) return undefined;
        return { ids: goneAfter.all(since).map(({ document }) => document as number), until: bounds.last };
      }),
    document: ({ source, path }, part = "") => said(() => toDocument(documentByKey.get(source, path, part))),
    documentById: (id) => said(() => toDocument(documentById.get(id))),
    passage: (document, place) => said(() => toPassage(passageById.get(document * most + place))),
    passageText: (document, place) =>
      said(() => (passageTextById.get(document * most + place)?.text as string | undefined) ?? ""),
    text: (document) => said(() => textById.get(document)?.text as Uint8Array | undefined),
    async close() {
      await last;
      reading.close();
      writing?.close();
    },
  };
}

const nothing = new Uint8Array(0);

const toKnown = (source: string, row: Row): KnownFile => ({
  source,
  path: row.path as string,
  size: Number(row.size),
  mtimeNs: row.mtimeNs as bigint,
  ino: BigInt.asUintN(64, row.ino as bigint),
  sha256: row.sha256 as string,
  documents: Number(row.documents),
  passages: Number(row.passages),
  ...(row.reason !== null && { reason: row.reason as string }),
});

function toSegment(id: number, row: Row | undefined): KeptSegment | undefined {
  if (!row) return undefined;
  // Copied: a typed array has to begin at a multiple of its size.
  const documents = new Uint32Array((row.documents as Uint8Array).slice().buffer);
  const lengths = new Uint16Array((row.lengths as Uint8Array).slice().buffer);
  return { id, documents, lengths, firsts: (row.firsts as string).split("\n") };
}

function toDocument(row: Row | undefined): IndexedDocument | undefined {
  if (!row) return undefined;
  const { facts, derived, size, mtimeNs, ino, ...entry } = row as unknown as IndexedDocument & Row;
  const stamp = {
    size: size as number,
    mtimeNs: BigInt(mtimeNs as string),
    ino: BigInt.asUintN(64, BigInt(ino as string)),
  };
  return { ...entry, facts: JSON.parse(facts as unknown as string), derived: Number(derived) === 1, stamp };
}

const toPassage = (row: Row | undefined): Passage | undefined =>
  row && {
    start: row.first as number,
    end: row.after as number,
    sha256: Buffer.from(row.sha256 as Uint8Array).toString("hex"),
    label: row.label as string,
    ...(row.identity !== null && { identity: row.identity as string }),
    text: row.text as string,
  };
