import type { DatabaseSync } from "node:sqlite";
import { DuplicateName, type TokenRecord, type TokenStore } from "../store.ts";
import { transact } from "./database.ts";
import { createRecall } from "./recall.ts";

export const tokenSchema = `
  CREATE TABLE tokens (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, subject TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, owner INTEGER NOT NULL,
    createdAt INTEGER NOT NULL, expiresAt INTEGER, revokedAt INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tokens_by_name ON tokens (name);`;

type Row = Omit<TokenRecord, "owner"> & { readonly owner: number };

const toRecord = (row: unknown): TokenRecord | undefined =>
  row === undefined ? undefined : { ...(row as Row), owner: (row as Row).owner === 1 };

/** Tokens are read anew on each question, so that what another process revokes is refused from that moment. */
export function createTokenStore(db: DatabaseSync): TokenStore {
  const all = "SELECT id, name, subject, hash, owner, createdAt, expiresAt, revokedAt FROM tokens";
  const valid = "revokedAt IS NULL AND (expiresAt IS NULL OR expiresAt > :at)";
  const byHash = db.prepare(`${all} WHERE hash = ?`);
  const byId = db.prepare(`${all} WHERE id = ?`);
  const list = db.prepare(`${all} ORDER BY createdAt, id`);
  const validByName = db.prepare(`SELECT 1 FROM tokens WHERE name = :name AND ${valid}`);
  const insert = db.prepare("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  const revoke = db.prepare(
    `UPDATE tokens SET revokedAt = :at WHERE id = (
       SELECT id FROM tokens WHERE (id = :name OR name = :name) AND ${valid} ORDER BY id = :name DESC LIMIT 1
     ) RETURNING *`,
  );

  // Tokens change seldom, and a revocation must not come undone with the power: these commits are synced.
  const durably = <T>(work: () => T): T => {
    db.exec("PRAGMA synchronous = FULL");
    try {
      return transact(db, work);
    } finally {
      db.exec("PRAGMA synchronous = NORMAL");
    }
  };

  const recall = createRecall<TokenRecord>(db);
  return {
    async add(record) {
      const { id, name, subject, hash, owner, createdAt, expiresAt, revokedAt } = record;
      recall.forget();
      durably(() => {
        if (validByName.get({ name, at: createdAt }))
          throw new DuplicateName(`There is a token named ${name} already.`);
        insert.run(id, name, subject, hash, owner ? 1 : 0, createdAt, expiresAt, revokedAt);
      });
    },
    findByHash: async (hash) => recall.find(hash, () => toRecord(byHash.get(hash))),
    find: async (id) => recall.find(id, () => toRecord(byId.get(id))),
    list: async () => list.all().flatMap((row) => toRecord(row) ?? []),
    async revoke(name, at) {
      recall.forget();
      return durably(() => toRecord(revoke.get({ name, at })));
    },
    version: async () => recall.version(),
  };
}
