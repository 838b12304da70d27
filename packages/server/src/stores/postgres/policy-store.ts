import type { PublishedPolicy } from "../published-policy.ts";
import type { PolicySource } from "../store.ts";
import type { Postgres } from "./database.ts";

/** Policies in one table. A set is read in one statement and written in one transaction: nobody sees half of one. */
export function createPolicyStore(db: Postgres): PublishedPolicy {
  const { schema: s } = db;
  const put = async (sources: readonly PolicySource[], first: boolean): Promise<number | undefined> => {
    const done = await db.transact("policy", async (query) => {
      const [row] = await query(`SELECT version FROM ${s}.versions WHERE concern = 'policy'`);
      if (first && Number(row?.version) > 0) return undefined;
      await query(`DELETE FROM ${s}.policies`);
      await query(`INSERT INTO ${s}.policies SELECT * FROM unnest($1::text[], $2::text[])`, [
        sources.map(({ path }) => path),
        sources.map(({ text }) => text),
      ]);
      const [next] = await query(
        `UPDATE ${s}.versions SET version = version + 1 WHERE concern = 'policy' RETURNING version`,
      );
      return Number(next?.version);
    });
    return done;
  };
  return {
    async read() {
      const rows = await db.query(
        `SELECT path, text FROM ${s}.versions LEFT JOIN ${s}.policies ON true WHERE concern = 'policy' ORDER BY path COLLATE "C"`,
      );
      return rows.flatMap(({ path, text }) => (path === null ? [] : [{ path: String(path), text: String(text) }]));
    },
    version: () => db.version("policy"),
    publish: async (sources) => (await put(sources, false)) ?? 0,
    seed: async (sources) => (await put(sources, true)) !== undefined,
  };
}
