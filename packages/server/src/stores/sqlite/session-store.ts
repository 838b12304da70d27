import type { DatabaseSync } from "node:sqlite";
import type { SessionRecord, SessionStore } from "../store.ts";
import { transact } from "./database.ts";

export const sessionSchema = `
  CREATE TABLE sessions (
    id TEXT PRIMARY KEY, tokenId TEXT NOT NULL, subject TEXT NOT NULL, createdAt INTEGER NOT NULL, expiresAt INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sessions_by_token ON sessions (tokenId, expiresAt);
  CREATE INDEX sessions_by_end ON sessions (expiresAt);`;

const mostOfToken = 1_000;

export function createSessionStore(db: DatabaseSync): SessionStore {
  const insert = db.prepare("INSERT INTO sessions VALUES (?, ?, ?, ?, ?)");
  const shed = db.prepare(
    `DELETE FROM sessions WHERE id IN (
       SELECT id FROM sessions WHERE tokenId = ? ORDER BY expiresAt DESC, createdAt DESC LIMIT -1 OFFSET ${mostOfToken}
     )`,
  );
  const find = db.prepare("SELECT id, tokenId, subject, createdAt, expiresAt FROM sessions WHERE id = ?");
  const extend = db.prepare("UPDATE sessions SET expiresAt = ? WHERE id = ?");
  const remove = db.prepare("DELETE FROM sessions WHERE id = ?");
  const sweep = db.prepare("DELETE FROM sessions WHERE expiresAt < ?");
  return {
    async add({ id, tokenId, subject, createdAt, expiresAt }) {
      transact(db, () => {
        insert.run(id, tokenId, subject, createdAt, expiresAt);
        shed.run(tokenId);
      });
    },
    find: async (id) => find.get(id) as SessionRecord | undefined,
    extend: async (id, expiresAt) => extend.run(expiresAt, id).changes === 1,
    remove: async (id) => void remove.run(id),
    sweep: async (now) => Number(sweep.run(now).changes),
  };
}
