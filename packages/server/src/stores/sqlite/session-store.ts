import type { DatabaseSync } from "node:sqlite";
import type { SessionRecord, SessionStore } from "../store.ts";
import { transact } from "./database.ts";
import { createRecall } from "./recall.ts";

export const sessionSchema = `
  CREATE TABLE sessions (
    id TEXT PRIMARY KEY, tokenId TEXT NOT NULL, subject TEXT NOT NULL, createdAt INTEGER NOT NULL, expiresAt INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sessions_by_token ON sessions (tokenId, expiresAt);
  CREATE INDEX sessions_by_end ON sessions (expiresAt);`;

/** What tells the owner whose session it is. */
export const sessionPlaces = `
  ALTER TABLE sessions ADD COLUMN door TEXT NOT NULL DEFAULT '';
  ALTER TABLE sessions ADD COLUMN client TEXT NOT NULL DEFAULT '';`;

const mostOfToken = 1_000;

export function createSessionStore(db: DatabaseSync): SessionStore {
  const insert = db.prepare("INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?)");
  const shed = db.prepare(
    `DELETE FROM sessions WHERE id IN (
       SELECT id FROM sessions WHERE tokenId = ? ORDER BY expiresAt DESC, createdAt DESC LIMIT -1 OFFSET ${mostOfToken}
     )`,
  );
  const all = "SELECT id, tokenId, subject, door, client, createdAt, expiresAt FROM sessions";
  const find = db.prepare(`${all} WHERE id = ?`);
  const list = db.prepare(`${all} ORDER BY createdAt, id`);
  const extend = db.prepare("UPDATE sessions SET expiresAt = ? WHERE id = ?");
  const remove = db.prepare("DELETE FROM sessions WHERE id = ?");
  const sweep = db.prepare("DELETE FROM sessions WHERE expiresAt < ?");
  const recall = createRecall<SessionRecord>(db);
  const toRecord = (row: unknown): SessionRecord | undefined =>
    row === undefined ? undefined : { ...(row as SessionRecord) };
  return {
    async add({ id, tokenId, subject, createdAt, expiresAt, door, client }) {
      recall.forget();
      transact(db, () => {
        insert.run(id, tokenId, subject, createdAt, expiresAt, door, client);
        shed.run(tokenId);
      });
    },
    find: async (id) => recall.find(id, () => toRecord(find.get(id))),
    async extend(id, expiresAt) {
      recall.forget();
      return extend.run(expiresAt, id).changes === 1;
    },
    async remove(id) {
      recall.forget();
      remove.run(id);
    },
    list: async () => list.all().flatMap((row) => toRecord(row) ?? []),
    async sweep(now) {
      recall.forget();
      return Number(sweep.run(now).changes);
    },
    version: async () => recall.otherVersion(),
  };
}
