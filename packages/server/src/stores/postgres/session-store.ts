import type { SessionRecord, SessionStore } from "../store.ts";
import type { Postgres, Row } from "./database.ts";
import { createRecall } from "./recall.ts";

const mostOfToken = 1_000;
const columns = `id, token_id AS "tokenId", subject, door, client, created_at AS "createdAt", expires_at AS "expiresAt"`;

const toRecord = (row: Row | undefined): SessionRecord | undefined => row && ({ ...row } as unknown as SessionRecord);

export function createSessionStore(db: Postgres): SessionStore {
  const { schema: s } = db;
  const recall = createRecall<SessionRecord>(db, "sessions");
  return {
    async add({ id, tokenId, subject, door, client, createdAt, expiresAt }) {
      await db.transact("sessions", async (query) => {
        await query(`INSERT INTO ${s}.sessions VALUES ($1, $2, $3, $4, $5, $6, $7)`, [
          ...[id, tokenId, subject, door, client, createdAt, expiresAt],
        ]);
        const shed = await query(
          `DELETE FROM ${s}.sessions WHERE id IN (
             SELECT id FROM ${s}.sessions WHERE token_id = $1 ORDER BY expires_at DESC, created_at DESC OFFSET ${mostOfToken}
           ) RETURNING id`,
          [tokenId],
        );
        if (shed.length > 0) await query(`UPDATE ${s}.versions SET version = version + 1 WHERE concern = 'sessions'`);
      });
    },
    find: (id) =>
      recall.find(id, async () =>
        toRecord((await db.query(`SELECT ${columns} FROM ${s}.sessions WHERE id = $1`, [id]))[0]),
      ),
    extend: (id, expiresAt) =>
      db.change("sessions", async (query) => {
        const rows = await query(`UPDATE ${s}.sessions SET expires_at = $2 WHERE id = $1 RETURNING id`, [
          id,
          expiresAt,
        ]);
        return rows.length === 1;
      }),
    remove: (id) =>
      db.change("sessions", async (query) => void (await query(`DELETE FROM ${s}.sessions WHERE id = $1`, [id]))),
    list: async () =>
      (await db.query(`SELECT ${columns} FROM ${s}.sessions ORDER BY created_at, id`)).flatMap(
        (row) => toRecord(row) ?? [],
      ),
    async sweep(now) {
      const rows = await db.query(`DELETE FROM ${s}.sessions WHERE expires_at < $1 RETURNING id`, [now]);
      return rows.length;
    },
    version: async () => String(await db.version("sessions", 100)),
  };
}
