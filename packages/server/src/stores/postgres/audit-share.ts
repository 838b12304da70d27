import { type AuditRecord, parseRecord } from "../../audit/record.ts";
import { type AuditShare, ForeignRecord } from "../audit-share.ts";
import type { StoredRecord } from "../store.ts";
import type { Postgres } from "./database.ts";

/** Columns beside the record itself, for whoever looks for something with SQL: nothing here reads them again. */
const facts = {
  id: ["text", (record) => record.id],
  at: ["timestamptz", (record) => record.at],
  kind: ["text", (record) => record.kind],
  subject: ["text", (record) => record.subject],
  session: ["text", (record) => record.session],
  transport: ["text", (record) => record.door],
  tool: ["text", (record) => record.tool ?? record.method],
  decision: ["text", (record) => record.decision],
  rule: ["text", (record) => record.scope],
  outcome: ["text", (record) => record.outcome],
  purpose: ["text", (record) => record.purpose?.text],
  turn: ["text", (record) => record.turn],
  duration_us: ["bigint", (record) => record.durationUs],
} as const satisfies Readonly<Record<string, readonly [string, (record: AuditRecord) => unknown]>>;

const names = Object.keys(facts);
const types = Object.values(facts).map(([type]) => type);

/** PostgreSQL's texts hold no zero byte; the body has it escaped, as all of JSON has. */
const fit = (value: unknown): unknown =>
  typeof value === "string" ? value.replaceAll("\0", "\uFFFD") : (value ?? null);

export interface AuditShareOptions {
  /**
   * What a record survives once it is kept: the death of any one server, since the replica's own log has it too, or a loss of power everywhere at
   * once. The first costs no wait for the database's disk.
   */
  readonly durability?: "process" | "power";
}

export function createAuditShare(db: Postgres, { durability = "power" }: AuditShareOptions = {}): AuditShare {
  const { schema: s } = db;
  const columns = ["seq", "hash", "body", ...names];
  const arrays = ["bigint", "text", "text", ...types].map((type, at) => `$${at + 2}::${type}[]`).join(", ");
  // How the commit of this very statement is waited for.
  const how = durability === "power" ? "on" : "off";
  const insert = `WITH had AS MATERIALIZED (
      SELECT coalesce(max(seq), 0) AS last, set_config('synchronous_commit', '${how}', true) FROM ${s}.connector_audit WHERE origin = $1
    ), kept AS (
      INSERT INTO ${s}.connector_audit (origin, ${columns.join(", ")})
      SELECT $1, new.* FROM had, unnest(${arrays}) AS new ON CONFLICT (origin, seq) DO NOTHING RETURNING seq
    ) SELECT (SELECT last FROM had) AS last, (SELECT count(*) FROM kept) AS kept`;

  return {
    register: async ({ origin, keys, name }) =>
      void (await db.query(
        `INSERT INTO ${s}.audit_chains VALUES ($1, $2, $3, $4) ON CONFLICT (origin) DO UPDATE SET keys = $2, name = $3`,
        [origin, JSON.stringify(keys), name, Date.now()],
      )),
    chains: async () =>
      (await db.query(`SELECT origin, keys, name FROM ${s}.audit_chains ORDER BY since, origin`)).map((row) => ({
        origin: String(row.origin),
        keys: JSON.parse(String(row.keys)) as readonly string[],
        name: String(row.name),
      })),
    async last(origin) {
      const [row] = await db.query(
        `SELECT seq, hash FROM ${s}.connector_audit WHERE origin = $1 ORDER BY seq DESC LIMIT 1`,
        [origin],
      );
      return row && { seq: Number(row.seq), hash: String(row.hash) };
    },
    async put(origin, records) {
      const parsed = records.map(({ body }) => parseRecord(body));
      const [done] = await db.query(insert, [
        origin,
        records.map(({ seq }) => seq),
        records.map(({ hash }) => hash),
        records.map(({ body }) => body),
        ...Object.values(facts).map(([, of]) => parsed.map((record) => fit(of(record)))),
      ]);
      const last = Number(done?.last);
      if (Number(done?.kept) === records.length) return last;
      const standing = await db.query(
        `SELECT seq, hash FROM ${s}.connector_audit WHERE origin = $1 AND seq = ANY($2)`,
        [origin, records.map(({ seq }) => seq)],
      );
      const hashes = new Map(standing.map(({ seq, hash }) => [Number(seq), String(hash)]));
      const foreign = records.find(({ seq, hash }) => hashes.get(seq) !== hash);
      if (foreign)
        throw new ForeignRecord(`Another record stands in the place of record ${foreign.seq} in the shared audit.`);
      return last;
    },
    putCheckpoint: async (origin, size, note) =>
      void (await db.query(`INSERT INTO ${s}.audit_checkpoints VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, [
        ...[origin, size, note],
      ])),
    read: async (origin, after, limit) =>
      (await db.query(
        `SELECT seq, body, hash FROM ${s}.connector_audit WHERE origin = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
        [origin, after, limit],
      )) as unknown as readonly StoredRecord[],
    checkpoints: async (origin) =>
      (await db.query(`SELECT note FROM ${s}.audit_checkpoints WHERE origin = $1 ORDER BY size`, [origin])).map(
        ({ note }) => String(note),
      ),
    fault: db.fault,
  };
}
