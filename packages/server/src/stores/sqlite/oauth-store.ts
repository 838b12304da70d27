import type { DatabaseSync } from "node:sqlite";
import type { OAuthRecord, OAuthStore } from "../oauth-store.ts";
import { transact } from "./database.ts";

export const oauthSchema = `
  CREATE TABLE oauth (
    kind TEXT NOT NULL, id TEXT NOT NULL, alias TEXT, "grant" TEXT, body TEXT NOT NULL,
    createdAt INTEGER NOT NULL, expiresAt INTEGER, consumedAt INTEGER, PRIMARY KEY (kind, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX oauth_by_alias ON oauth (kind, alias) WHERE alias IS NOT NULL;
  CREATE INDEX oauth_by_grant ON oauth ("grant") WHERE "grant" IS NOT NULL;
  CREATE INDEX oauth_by_end ON oauth (expiresAt) WHERE expiresAt IS NOT NULL;`;

/** Records are read anew on each question, so that what another process revokes is refused from that moment. */
export function createOAuthStore(db: DatabaseSync): OAuthStore {
  const all = `SELECT kind, id, alias, "grant", body, createdAt, expiresAt, consumedAt FROM oauth`;
  const put = db.prepare("INSERT OR REPLACE INTO oauth VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  const find = db.prepare(`${all} WHERE kind = ? AND id = ?`);
  const byAlias = db.prepare(`${all} WHERE kind = ? AND alias = ? ORDER BY createdAt DESC, id DESC LIMIT 1`);
  const list = db.prepare(`${all} WHERE kind = ? ORDER BY createdAt, id`);
  const consume = db.prepare("UPDATE oauth SET consumedAt = ? WHERE kind = ? AND id = ? AND consumedAt IS NULL");
  const remove = db.prepare("DELETE FROM oauth WHERE kind = ? AND id = ?");
  const removeGrant = db.prepare(`DELETE FROM oauth WHERE kind = ? AND "grant" = ?`);
  const sweep = db.prepare("DELETE FROM oauth WHERE expiresAt < ?");

  // A code that was used and a grant that was revoked must not come back with the power: these commits are synced.
  const durably = <T>(work: () => T): T => {
    db.exec("PRAGMA synchronous = FULL");
    try {
      return transact(db, work);
    } finally {
      db.exec("PRAGMA synchronous = NORMAL");
    }
  };
  const toRecord = (row: unknown): OAuthRecord | undefined =>
    row === undefined ? undefined : { ...(row as OAuthRecord) };

  return {
    async put({ kind, id, alias, grant, body, createdAt, expiresAt, consumedAt }) {
      durably(() => put.run(kind, id, alias, grant, body, createdAt, expiresAt, consumedAt));
    },
    find: async (kind, id) => toRecord(find.get(kind, id)),
    findByAlias: async (kind, alias) => toRecord(byAlias.get(kind, alias)),
    list: async (kind) => list.all(kind).flatMap((row) => toRecord(row) ?? []),
    consume: async (kind, id, at) => durably(() => consume.run(at, kind, id).changes === 1),
    remove: async (kind, id) => void durably(() => remove.run(kind, id)),
    removeGrant: async (kind, grant) => void durably(() => removeGrant.run(kind, grant)),
    sweep: async (now) => Number(sweep.run(now).changes),
  };
}
