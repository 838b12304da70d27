import type { OAuthRecord, OAuthStore } from "../oauth-store.ts";
import type { Postgres, Row } from "./database.ts";

const columns = `kind, id, alias, "grant", body, created_at AS "createdAt", expires_at AS "expiresAt", consumed_at AS "consumedAt"`;

const toRecord = (row: Row | undefined): OAuthRecord | undefined => row && ({ ...row } as unknown as OAuthRecord);

/** Records are read anew on each question, so that what another replica revokes is refused from that moment. */
export function createOAuthStore(db: Postgres): OAuthStore {
  const { schema: s } = db;
  const all = `SELECT ${columns} FROM ${s}.oauth`;
  return {
    async put({ kind, id, alias, grant, body, createdAt, expiresAt, consumedAt }) {
      await db.query(
        `INSERT INTO ${s}.oauth VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (kind, id) DO UPDATE SET
           alias = $3, "grant" = $4, body = $5, created_at = $6, expires_at = $7, consumed_at = $8`,
        [kind, id, alias, grant, body, createdAt, expiresAt, consumedAt],
      );
    },
    find: async (kind, id) => toRecord((await db.query(`${all} WHERE kind = $1 AND id = $2`, [kind, id]))[0]),
    findByAlias: async (kind, alias) =>
      toRecord(
        (
          await db.query(`${all} WHERE kind = $1 AND alias = $2 ORDER BY created_at DESC, id DESC LIMIT 1`, [
            kind,
            alias,
          ])
        )[0],
      ),
    list: async (kind) =>
      (await db.query(`${all} WHERE kind = $1 ORDER BY created_at, id`, [kind])).flatMap((row) => toRecord(row) ?? []),
    async consume(kind, id, at) {
      const rows = await db.query(
        `UPDATE ${s}.oauth SET consumed_at = $3 WHERE kind = $1 AND id = $2 AND consumed_at IS NULL RETURNING id`,
        [kind, id, at],
      );
      return rows.length === 1;
    },
    remove: async (kind, id) => void (await db.query(`DELETE FROM ${s}.oauth WHERE kind = $1 AND id = $2`, [kind, id])),
    removeGrant: async (kind, grant) =>
      void (await db.query(`DELETE FROM ${s}.oauth WHERE kind = $1 AND "grant" = $2`, [kind, grant])),
    async sweep(now) {
      return (await db.query(`DELETE FROM ${s}.oauth WHERE expires_at < $1 RETURNING id`, [now])).length;
    },
  };
}
