import type { DatabaseSync } from "node:sqlite";
import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import { checkVector, checkVectors, type Neighbor, VectorFault, type VectorIndex } from "../store.ts";
import { openDatabase, toDatabaseError, transact } from "./database.ts";
import { type Codes, createCodes } from "./vector-index-codes.ts";
import { quantise } from "./vector-index-quantise.ts";
import { migrations } from "./vector-index-schema.ts";

interface Collection {
  readonly id: number;
  readonly dimensions: number;
}

/** The codes of a collection as far as they have been read: up to row `last`, at version `seen` of what other processes write. */
interface Loaded {
  readonly codes: Codes;
  last: number;
  seen: unknown;
  behind: boolean;
  reading: Promise<void> | undefined;
}

/** How long another process's transaction is waited for. */
const lockMs = 5_000;
const locked = 5;
const rowsAtOnce = 500;
const mostNeighbors = 1_000;

/**
 * Vectors in one SQLite file, which several processes may have open. A search compares signed bytes in memory (one for each dimension) and then the
 * vectors themselves of the best of them: what it answers with is exact, and what it leaves out lay within a byte's rounding of the last of
 * `2 k + 64`. Throws `DatabaseError` when the file cannot be used.
 */
export function openVectorIndex({ path }: { readonly path: string }): VectorIndex {
  const db = openDatabase({ path, migrations, busyMs: 0 });
  // Vectors fill pages fast, and a checkpoint holds up the disk under whoever records a call meanwhile.
  db.exec("PRAGMA wal_autocheckpoint = 4000");
  const sql = prepareAll(db);
  const loaded = new Map<number, Loaded>();
  let closed = false;

  const find = (name: string): Collection | undefined => sql.collection.get(name) as unknown as Collection | undefined;

  const said = async <T>(work: () => Promise<T> | T): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw toDatabaseError(error, path);
    }
  };

  /** Writes in one transaction; a lock that another process holds is waited for without holding up anything else. */
  const write = async <T>(work: () => T): Promise<T> => {
    const deadline = performance.now() + lockMs;
    for (;;) {
      try {
        return transact(db, work);
      } catch (error) {
        const isLocked = ((error as { errcode?: number }).errcode ?? 0) % 256 === locked;
        if (!isLocked || closed || performance.now() > deadline) throw error;
        await delay(10);
      }
    }
  };

  const catchUp = async ({ id, dimensions }: Collection, of: Loaded): Promise<void> => {
    const version = sql.version.get()?.data_version;
    if (version === of.seen && !of.behind) return;
    const others = version !== of.seen && of.seen !== undefined;
    of.seen = version;
    // Until all is read: should reading fail half-way, the next search goes on with it.
    of.behind = true;
    for (;;) {
      if (closed) throw new Error("The vector index is closed.");
      const rows = sql.codesAfter.all(id, of.last, rowsAtOnce) as unknown as readonly CodeRow[];
      for (const { id: row, chunk, scale, code } of rows) {
        if (code.length !== dimensions) continue;
        of.codes.put({ id: row, chunk }, { scale, code: new Int8Array(code.buffer, code.byteOffset, code.length) });
        of.last = row;
      }
      if (rows.length < rowsAtOnce) break;
      await turn();
    }
    of.behind = false;
    // Another process may have removed some.
    if (others) of.codes.keep(new Set(sql.ids.all(id).map((row) => row.id as number)));
  };

  const load = async (collection: Collection): Promise<Codes> => {
    let of = loaded.get(collection.id);
    if (!of) {
      const codes = createCodes(collection.dimensions);
      const there = new Set(sql.collections.all().map(({ id }) => id as number));
      for (const id of [...loaded.keys()]) if (!there.has(id)) loaded.delete(id);
      of = { codes, last: 0, seen: undefined, behind: true, reading: undefined };
      loaded.set(collection.id, of);
    }
    // Who comes while others read waits for them, and then looks whether anything was written meanwhile.
    while (of.reading) await of.reading;
    const known = of;
    known.reading = catchUp(collection, known).finally(() => {
      known.reading = undefined;
    });
    await known.reading;
    return known.codes;
  };

  const forget = (chunks: readonly number[]): void => {
    for (const { codes } of loaded.values()) for (const chunk of chunks) codes.remove(chunk);
  };

  /** Deletes the rows of collections that are gone, a few at a time. */
  const sweep = async (): Promise<void> => {
    let id = -1;
    for (;;) {
      const next = sql.nextCollection.get(id)?.id as number | undefined;
      if (next === undefined) return;
      id = next;
      while (!closed && !sql.isThere.get(id)) {
        const rows = sql.rowsOf.all(id, rowsAtOnce);
        if (rows.length === 0) break;
        await write(() => {
          for (const row of rows) for (const statement of sql.deletions) statement.run(row.id as number);
        });
        await turn();
      }
      if (closed) return;
    }
  };
  // What was dropped before the last end.
  let sweeping: Promise<void> = sweep().catch(() => {});

  return {
    put: (name, vectors) =>
      said(async () => {
        checkVectors(vectors, find(name)?.dimensions);
        if (vectors.length === 0) return;
        const coded = vectors.map((one) => ({ ...one, ...quantise(one.vector) }));
        await write(() => {
          const { id, dimensions } = find(name) ?? createCollection(sql, name, vectors[0]?.vector.length ?? 0);
          for (const { chunk, sha256, vector, scale, code } of coded) {
            if (vector.length !== dimensions) throw new VectorFault(`The collection has ${dimensions} dimensions.`);
            const old = sql.byChunk.get(id, chunk)?.id as number | undefined;
            if (old !== undefined) for (const statement of sql.deletions) statement.run(old);
            const row = Number(sql.add.run(id, chunk, Buffer.from(sha256, "hex"), toBytes(vector)).lastInsertRowid);
            sql.addCode.run(row, id, chunk, scale, toBytes(code));
          }
        });
        for (const of of loaded.values()) of.behind = true;
      }),
    remove: (chunks) =>
      said(async () => {
        const ids = sql.collections.all().map(({ id }) => id as number);
        for (let from = 0; from < chunks.length; from += rowsAtOnce) {
          const some = chunks.slice(from, from + rowsAtOnce);
          await write(() => {
            for (const chunk of some)
              for (const collection of ids) {
                const row = sql.byChunk.get(collection, chunk)?.id as number | undefined;
                if (row !== undefined) for (const statement of sql.deletions) statement.run(row);
              }
          });
          forget(some);
          await turn();
        }
      }),
    nearest: (name, vector, { k, allows = () => true, signal }) =>
      said(async () => {
        const collection = find(name);
        if (!collection) return [];
        checkVector(vector, collection.dimensions);
        const wanted = Math.min(k, mostNeighbors);
        if (!(wanted >= 1)) return [];
        const codes = await load(collection);
        const candidates = await codes.scan(quantise(vector), { most: 2 * wanted + 64, allows, signal });
        const neighbors: Neighbor[] = [];
        for (const [n, { id, chunk }] of candidates.entries()) {
          if (n % rowsAtOnce === rowsAtOnce - 1) await turn();
          const bytes = sql.vector.get(id)?.vector as Uint8Array | undefined;
          if (bytes) neighbors.push({ chunk, similarity: dot(vector, toVector(bytes)) });
        }
        signal?.throwIfAborted();
        return neighbors.sort((a, b) => b.similarity - a.similarity || a.chunk - b.chunk).slice(0, wanted);
      }),
    missing: (name, chunks) =>
      said(() => {
        const collection = find(name);
        return chunks.filter((chunk) => !collection || !sql.byChunk.get(collection.id, chunk));
      }),
    known: (name, hashes) =>
      said(() => {
        const found = new Map<string, Float32Array>();
        const collection = find(name);
        if (!collection) return found;
        for (const hash of hashes) {
          const row = sql.byText.get(collection.id, Buffer.from(hash, "hex"));
          if (row) found.set(hash, toVector(row.vector as Uint8Array));
        }
        return found;
      }),
    chunks: (name, after, limit) =>
      said(() => sql.chunksAfter.all(find(name)?.id ?? 0, after, limit).map(({ chunk }) => chunk as number)),
    count: (name) => said(() => sql.count.get(find(name)?.id ?? 0)?.count as number),
    collections: () =>
      said(() =>
        sql.collections
          .all()
          .filter(({ id }) => sql.any.get(id as number))
          .map(({ name }) => name as string)
          .sort(),
      ),
    drop: (name) =>
      said(async () => {
        const collection = find(name);
        if (!collection) return;
        await write(() => sql.dropCollection.run(collection.id));
        loaded.delete(collection.id);
        sweeping = sweeping.then(sweep).catch(() => {});
      }),
    async close() {
      if (closed) return;
      closed = true;
      await sweeping;
      for (const { reading } of loaded.values()) await reading?.catch(() => {});
      loaded.clear();
      db.close();
    },
  };
}

interface CodeRow {
  readonly id: number;
  readonly chunk: number;
  readonly scale: number;
  readonly code: Uint8Array;
}

function prepareAll(db: DatabaseSync) {
  return {
    version: db.prepare("PRAGMA data_version"),
    collection: db.prepare("SELECT id, dimensions FROM collections WHERE name = ?"),
    collections: db.prepare("SELECT id, name FROM collections"),
    addCollection: db.prepare("INSERT INTO collections (name, dimensions) VALUES (?, ?)"),
    dropCollection: db.prepare("DELETE FROM collections WHERE id = ?"),
    add: db.prepare("INSERT INTO vectors (collection, chunk, sha256, vector) VALUES (?, ?, ?, ?)"),
    addCode: db.prepare("INSERT INTO codes VALUES (?, ?, ?, ?, ?)"),
    deletions: [db.prepare("DELETE FROM vectors WHERE id = ?"), db.prepare("DELETE FROM codes WHERE id = ?")],
    byChunk: db.prepare("SELECT id FROM vectors WHERE collection = ? AND chunk = ?"),
    byText: db.prepare("SELECT vector FROM vectors WHERE collection = ? AND sha256 = ? LIMIT 1"),
    vector: db.prepare("SELECT vector FROM vectors WHERE id = ?"),
    codesAfter: db.prepare(
      "SELECT id, chunk, scale, code FROM codes WHERE collection = ? AND id > ? ORDER BY id LIMIT ?",
    ),
    ids: db.prepare("SELECT id FROM vectors WHERE collection = ?"),
    chunksAfter: db.prepare("SELECT chunk FROM vectors WHERE collection = ? AND chunk > ? ORDER BY chunk LIMIT ?"),
    count: db.prepare("SELECT count(*) AS count FROM vectors WHERE collection = ?"),
    any: db.prepare("SELECT 1 FROM vectors WHERE collection = ? LIMIT 1"),
    nextCollection: db.prepare("SELECT collection AS id FROM vectors WHERE collection > ? ORDER BY collection LIMIT 1"),
    isThere: db.prepare("SELECT 1 FROM collections WHERE id = ?"),
    rowsOf: db.prepare("SELECT id FROM vectors WHERE collection = ? LIMIT ?"),
  };
}

function createCollection(sql: ReturnType<typeof prepareAll>, name: string, dimensions: number): Collection {
  return { id: Number(sql.addCollection.run(name, dimensions).lastInsertRowid), dimensions };
}

const toBytes = ({ buffer, byteOffset, byteLength }: Float32Array | Int8Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

// Copied: a typed array has to begin at a multiple of its size.
const toVector = (bytes: Uint8Array): Float32Array => new Float32Array(bytes.slice().buffer);

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let n = 0; n < a.length; n++) sum += (a[n] ?? 0) * (b[n] ?? 0);
  return sum;
}
