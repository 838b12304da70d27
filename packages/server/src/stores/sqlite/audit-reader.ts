import type { DatabaseSync } from "node:sqlite";
import type { SealedSegment } from "../../audit/sealed-log.ts";
import type { StoredRecord } from "../store.ts";

/** The records of an open `audit.db`, and what is kept of those that were sealed away. */
export function createReader(db: DatabaseSync) {
  const last = db.prepare("SELECT seq, body, hash FROM records ORDER BY seq DESC LIMIT 1");
  const after = db.prepare("SELECT seq, body, hash FROM records WHERE seq > ? ORDER BY seq LIMIT ?");
  const byId = db.prepare("SELECT seq, body, hash FROM records WHERE body ->> '$.id' = ? ORDER BY seq");
  const lastRecord = (): StoredRecord | undefined => last.get() as StoredRecord | undefined;
  return {
    last: lastRecord,
    head: async () => lastRecord(),
    read: async (seq: number, limit: number) => after.all(seq, limit) as unknown as readonly StoredRecord[],
    find: async (id: string) => byId.all(id) as unknown as readonly StoredRecord[],
    checkpoints: (): readonly string[] =>
      rows(db, "SELECT note FROM checkpoints ORDER BY size").map(({ note }) => String(note)),
    sealed: (): SealedSegment | undefined =>
      rows(
        db,
        "SELECT first, last, hash, note, frontier, archive, sha256, at FROM segments ORDER BY last DESC LIMIT 1",
      )[0] as SealedSegment | undefined,
  };
}

/** A log of the first form, opened for reading alone, has none of the later tables. */
function rows(db: DatabaseSync, sql: string): readonly Readonly<Record<string, unknown>>[] {
  const { user_version: version } = db.prepare("PRAGMA user_version").get() as { user_version: number };
  return version < 2 ? [] : db.prepare(sql).all();
}
