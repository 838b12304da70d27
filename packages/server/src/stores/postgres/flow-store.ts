import type { FlowRecord, FlowStore } from "../flow-store.ts";
import type { Postgres, Row } from "./database.ts";

const columns = `id, subject, "grant", state, opened_at AS "openedAt", read_at AS "readAt"`;

const toRecord = (row: Row | undefined): FlowRecord | undefined => row && ({ ...row } as unknown as FlowRecord);

/** Flows are read anew on each question, so that what another replica has added counts from that moment. */
export function createFlowStore(db: Postgres): FlowStore {
  const { schema: s } = db;
  let known: { readonly version: number; readonly marks: ReadonlyMap<string, string> } | undefined;
  return {
    find: async (id) => toRecord((await db.query(`SELECT ${columns} FROM ${s}.flows WHERE id = $1`, [id]))[0]),
    change: (id, work) =>
      db.transact("flows", async (query) => {
        const record = work(toRecord((await query(`SELECT ${columns} FROM ${s}.flows WHERE id = $1`, [id]))[0]));
        if (!record) return;
        const { subject, grant, state, openedAt, readAt } = record;
        await query(
          `INSERT INTO ${s}.flows VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO UPDATE SET
             subject = $2, "grant" = $3, state = $4, opened_at = $5, read_at = $6`,
          [id, subject, grant, state, openedAt, readAt],
        );
      }),
    list: async () =>
      (await db.query(`SELECT ${columns} FROM ${s}.flows ORDER BY read_at DESC, id`)).flatMap(
        (row) => toRecord(row) ?? [],
      ),
    sweep: async (before) =>
      (await db.query(`DELETE FROM ${s}.flows WHERE read_at < $1 RETURNING id`, [before])).length,
    mark: (uri, work) =>
      db.change("marks", async (query) => {
        const [kept] = await query(`SELECT labels FROM ${s}.flow_marks WHERE uri = $1`, [uri]);
        await query(`INSERT INTO ${s}.flow_marks VALUES ($1, $2) ON CONFLICT (uri) DO UPDATE SET labels = $2`, [
          uri,
          work(kept === undefined ? undefined : String(kept.labels)),
        ]);
      }),
    async marks() {
      const version = await db.version("marks");
      if (known?.version === version) return known.marks;
      const rows = await db.query(`SELECT uri, labels FROM ${s}.flow_marks`);
      // Older than the rows at worst, so that they are read once more and never once too few.
      known = { version, marks: new Map(rows.map(({ uri, labels }) => [String(uri), String(labels)])) };
      return known.marks;
    },
  };
}
