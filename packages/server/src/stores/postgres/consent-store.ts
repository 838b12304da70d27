import {
  type AskedFor,
  type ConsentAnswer,
  type ConsentGrant,
  type ConsentRequest,
  type ConsentStore,
  mostCalls,
  type RequestState,
  rememberedMs,
} from "../consent-store.ts";
import type { Postgres, Query, Row } from "./database.ts";

const toRequest = (row: Row | undefined): ConsentRequest | undefined => {
  if (row === undefined) return undefined;
  return {
    ...(JSON.parse(String(row.body)) as AskedFor),
    state: row.state as RequestState,
    times: Number(row.times),
    further: Number(row.further),
    answer: row.answer === null ? null : (JSON.parse(String(row.answer)) as ConsentAnswer),
  };
};

const toGrant = (row: Row): ConsentGrant => JSON.parse(String(row.body)) as ConsentGrant;

/** Each change is one transaction under one lock, so that of two answers, uses or withdrawals on two replicas exactly one wins. */
export function createConsentStore(db: Postgres): ConsentStore {
  const { schema: s } = db;
  const all = `SELECT state, times, further, answer, body FROM ${s}.consent_requests`;
  const holds = "(expires_at IS NULL OR expires_at > $2)";
  const findIn = async (query: Query, id: string): Promise<ConsentRequest | undefined> =>
    toRequest((await query(`${all} WHERE id = $1`, [id]))[0]);
  const openAt = async (query: Query, now: number): Promise<readonly ConsentRequest[]> =>
    (await query(`${all} WHERE state = 'open' AND expires_at > $1 ORDER BY id`, [now])).flatMap(
      (row) => toRequest(row) ?? [],
    );
  const noteCall = (query: Query, auditId: string, id: string) =>
    query(
      `INSERT INTO ${s}.consent_calls SELECT $1, $2
         WHERE (SELECT count(*) FROM ${s}.consent_calls WHERE request = $2) < ${mostCalls} ON CONFLICT DO NOTHING`,
      [auditId, id],
    );
  const bump = async (query: Query, column: "times" | "further", id: string): Promise<ConsentRequest> => {
    await query(`UPDATE ${s}.consent_requests SET ${column} = ${column} + 1 WHERE id = $1`, [id]);
    return (await findIn(query, id)) as ConsentRequest;
  };

  return {
    open: (wanted, { perSubject, total }) =>
      db.change("consent", async (query) => {
        const { id, question, subject, createdAt, expiresAt, auditId } = wanted;
        const [same] = await query(
          `${all} WHERE question = $1 AND expires_at > $2 AND state IN ('open', 'denied') ORDER BY id DESC LIMIT 1`,
          [question, createdAt],
        );
        const joined = toRequest(same);
        if (joined) {
          await noteCall(query, auditId, joined.id);
          return { kind: "joined", request: await bump(query, "times", joined.id) };
        }
        const others = await openAt(query, createdAt);
        const own = others.filter((request) => request.subject === subject);
        const limit = own.length >= perSubject ? "perSubject" : others.length >= total ? "total" : undefined;
        if (limit) {
          const newest = own.at(-1);
          return { kind: "full", limit, request: newest && (await bump(query, "further", newest.id)) };
        }
        await query(`INSERT INTO ${s}.consent_requests VALUES ($1, $2, $3, 'open', 1, 0, $4, $5, NULL, $6)`, [
          ...[id, question, subject, createdAt, expiresAt, JSON.stringify(wanted)],
        ]);
        await noteCall(query, auditId, id);
        return { kind: "opened", request: { ...wanted, state: "open", times: 1, further: 0, answer: null } };
      }),
    find: (id) => findIn(db.query, id),
    findByCall: async (auditId) =>
      toRequest(
        (
          await db.query(`${all} WHERE id = (SELECT request FROM ${s}.consent_calls WHERE audit_id = $1)`, [auditId])
        )[0],
      ),
    listOpen: (now) => openAt(db.query, now),
    settle: (id, { state, ...answer }, grant) =>
      db.change("consent", async (query) => {
        const rows = await query(
          `UPDATE ${s}.consent_requests SET state = $2, answer = $3 WHERE id = $1 AND state = 'open' AND expires_at > $4 RETURNING id`,
          [id, state, JSON.stringify(answer), answer.at],
        );
        const settled = rows.length === 1;
        if (settled && grant)
          await query(`INSERT INTO ${s}.consent_grants VALUES ($1, $2, $3, $4, $5)`, [
            ...[grant.id, id, grant.call !== null, grant.expiresAt, JSON.stringify(grant)],
          ]);
        return { settled, request: await findIn(query, id) };
      }),
    grants: async (now) =>
      (
        await db.query(`SELECT body FROM ${s}.consent_grants WHERE expires_at IS NULL OR expires_at > $1 ORDER BY id`, [
          now,
        ])
      ).map(toGrant),
    use: (id, now) =>
      db.change("consent", async (query) => {
        const [used] = await query(
          `DELETE FROM ${s}.consent_grants WHERE id = $1 AND once AND ${holds} RETURNING request`,
          [id, now],
        );
        if (used) await query(`UPDATE ${s}.consent_requests SET state = 'used' WHERE id = $1`, [used.request]);
        return used !== undefined;
      }),
    withdraw: (id, now) =>
      db.change("consent", async (query) => {
        const [row] = await query(`DELETE FROM ${s}.consent_grants WHERE id = $1 AND ${holds} RETURNING body`, [
          id,
          now,
        ]);
        return row && toGrant(row);
      }),
    async expire(now) {
      const long = now - rememberedMs;
      const [over] = await db.query(
        `SELECT EXISTS (SELECT 1 FROM ${s}.consent_grants WHERE expires_at <= $1)
           OR EXISTS (SELECT 1 FROM ${s}.consent_requests WHERE state = 'open' AND expires_at <= $1)
           OR EXISTS (SELECT 1 FROM ${s}.consent_requests WHERE expires_at < $2) AS found`,
        [now, long],
      );
      if (over?.found !== true) return { requests: [], grants: [] };
      return db.change("consent", async (query) => {
        const requests = await query(
          `UPDATE ${s}.consent_requests SET state = 'expired' WHERE state = 'open' AND expires_at <= $1
             RETURNING state, times, further, answer, body`,
          [now],
        );
        await query(
          `DELETE FROM ${s}.consent_calls WHERE request IN (SELECT id FROM ${s}.consent_requests WHERE expires_at < $1)`,
          [long],
        );
        await query(`DELETE FROM ${s}.consent_requests WHERE expires_at < $1`, [long]);
        const grants = await query(`DELETE FROM ${s}.consent_grants WHERE expires_at <= $1 RETURNING body`, [now]);
        return { requests: requests.flatMap((row) => toRequest(row) ?? []), grants: grants.map(toGrant) };
      });
    },
    version: () => db.version("consent"),
  };
}
