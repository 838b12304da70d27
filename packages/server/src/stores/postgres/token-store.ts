import { DuplicateName, type TokenRecord, type TokenStore } from "../store.ts";
import type { Postgres, Row } from "./database.ts";
import { createRecall } from "./recall.ts";

const columns = `id, name, subject, hash, owner, created_at AS "createdAt", expires_at AS "expiresAt", revoked_at AS "revokedAt"`;
const valid = "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";

const toRecord = (row: Row | undefined): TokenRecord | undefined => row && ({ ...row } as unknown as TokenRecord);

/** What another replica revokes is refused within the age of what is remembered; while the database is away, everything is. */
export function createTokenStore(db: Postgres): TokenStore {
  const { schema: s } = db;
  const recall = createRecall<TokenRecord>(db, "identity");
  const findBy = async (column: "id" | "hash", value: string): Promise<TokenRecord | undefined> =>
    toRecord((await db.query(`SELECT ${columns} FROM ${s}.tokens WHERE ${column} = $1`, [value]))[0]);
  return {
    async add(record) {
      const { id, name, subject, hash, owner, createdAt, expiresAt, revokedAt } = record;
      await db.change("identity", async (query) => {
        const [taken] = await query(`SELECT 1 FROM ${s}.tokens WHERE name = $1 AND ${valid}`, [name, createdAt]);
        if (taken) throw new DuplicateName(`There is a token named ${name} already.`);
        await query(`INSERT INTO ${s}.tokens VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, [
          ...[id, name, subject, hash, owner, createdAt, expiresAt, revokedAt],
        ]);
      });
    },
    findByHash: (hash) => recall.find(`hash ${hash}`, () => findBy("hash", hash)),
    find: (id) => recall.find(`id ${id}`, () => findBy("id", id)),
    list: async () =>
      (await db.query(`SELECT ${columns} FROM ${s}.tokens ORDER BY created_at, id`)).flatMap(
        (row) => toRecord(row) ?? [],
      ),
    revoke: (nameOrId, at) =>
      db.change("identity", async (query) => {
        const [row] = await query(
          `UPDATE ${s}.tokens SET revoked_at = $2 WHERE id = (
             SELECT id FROM ${s}.tokens WHERE (id = $1 OR name = $1) AND ${valid} ORDER BY (id = $1) DESC LIMIT 1
           ) RETURNING ${columns}`,
          [nameOrId, at],
        );
        return toRecord(row);
      }),
    version: async () => String(await db.version("identity", 100)),
  };
}
