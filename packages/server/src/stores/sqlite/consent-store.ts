import type { DatabaseSync } from "node:sqlite";
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
import { transact } from "./database.ts";

export const consentSchema = `
  CREATE TABLE consentRequests (
    id TEXT PRIMARY KEY, question TEXT NOT NULL, subject TEXT NOT NULL, state TEXT NOT NULL, times INTEGER NOT NULL,
    further INTEGER NOT NULL, createdAt INTEGER NOT NULL, expiresAt INTEGER NOT NULL, answer TEXT, body TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX consentRequests_by_question ON consentRequests (question, expiresAt);
  CREATE INDEX consentRequests_by_state ON consentRequests (state, expiresAt);
  CREATE TABLE consentCalls (auditId TEXT PRIMARY KEY, request TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX consentCalls_by_request ON consentCalls (request);
  CREATE TABLE consentGrants (
    id TEXT PRIMARY KEY, request TEXT NOT NULL, once INTEGER NOT NULL, expiresAt INTEGER, body TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE consentVersion (version INTEGER NOT NULL) STRICT;
  INSERT INTO consentVersion VALUES (0);`;

interface Row {
  readonly state: RequestState;
  readonly times: number;
  readonly further: number;
  readonly answer: string | null;
  readonly body: string;
}

const toRequest = (row: unknown): ConsentRequest | undefined => {
  if (row === undefined) return undefined;
  const { state, times, further, answer, body } = row as Row;
  return {
    ...(JSON.parse(body) as AskedFor),
    state,
    times,
    further,
    answer: answer === null ? null : (JSON.parse(answer) as ConsentAnswer),
  };
};

const toGrant = (row: unknown): ConsentGrant => JSON.parse((row as { body: string }).body) as ConsentGrant;

export function createConsentStore(db: DatabaseSync): ConsentStore {
  const all = "SELECT state, times, further, answer, body FROM consentRequests";
  const byId = db.prepare(`${all} WHERE id = ?`);
  const byCall = db.prepare(`${all} WHERE id = (SELECT request FROM consentCalls WHERE auditId = ?)`);
  const same = db.prepare(
    `${all} WHERE question = ? AND expiresAt > ? AND state IN ('open', 'denied') ORDER BY id DESC LIMIT 1`,
  );
  const listOpen = db.prepare(`${all} WHERE state = 'open' AND expiresAt > ? ORDER BY id`);
  const insert = db.prepare("INSERT INTO consentRequests VALUES (?, ?, ?, 'open', 1, 0, ?, ?, NULL, ?)");
  const insertCall = db.prepare(
    `INSERT OR IGNORE INTO consentCalls SELECT :auditId, :id WHERE (SELECT count(*) FROM consentCalls WHERE request = :id) < ${mostCalls}`,
  );
  const repeat = db.prepare("UPDATE consentRequests SET times = times + 1 WHERE id = ?");
  const group = db.prepare("UPDATE consentRequests SET further = further + 1 WHERE id = ?");
  const settle = db.prepare(
    "UPDATE consentRequests SET state = :state, answer = :answer WHERE id = :id AND state = 'open' AND expiresAt > :at",
  );
  const mark = db.prepare("UPDATE consentRequests SET state = ? WHERE id = ?");
  const over = db.prepare(`${all} WHERE state = 'open' AND expiresAt <= ? ORDER BY id`);
  const forgetCalls = db.prepare(
    "DELETE FROM consentCalls WHERE request IN (SELECT id FROM consentRequests WHERE expiresAt < ?)",
  );
  const forget = db.prepare("DELETE FROM consentRequests WHERE expiresAt < ?");
  const insertGrant = db.prepare("INSERT INTO consentGrants VALUES (?, ?, ?, ?, ?)");
  const grants = db.prepare("SELECT body FROM consentGrants WHERE expiresAt IS NULL OR expiresAt > ? ORDER BY id");
  const use = db.prepare(
    "DELETE FROM consentGrants WHERE id = ? AND once = 1 AND (expiresAt IS NULL OR expiresAt > ?) RETURNING request",
  );
  const withdraw = db.prepare(
    "DELETE FROM consentGrants WHERE id = ? AND (expiresAt IS NULL OR expiresAt > ?) RETURNING body",
  );
  const grantsOver = db.prepare("DELETE FROM consentGrants WHERE expiresAt <= ? RETURNING body");
  const anyOver = db.prepare(
    `SELECT EXISTS (SELECT 1 FROM consentGrants WHERE expiresAt <= :now)
       OR EXISTS (SELECT 1 FROM consentRequests WHERE state = 'open' AND expiresAt <= :now)
       OR EXISTS (SELECT 1 FROM consentRequests WHERE expiresAt < :long) AS found`,
  );
  const bump = db.prepare("UPDATE consentVersion SET version = version + 1");
  const read = db.prepare("SELECT version FROM consentVersion");
  const dataVersion = db.prepare("PRAGMA data_version");
  let seen: unknown;
  let known: number | undefined;

  // Changes of this connection do not show in data_version.
  const change = <T>(work: () => T): T => {
    known = undefined;
    return transact(db, () => {
      bump.run();
      return work();
    });
  };
  // An answer, a use and a withdrawal must not come undone with the power: these commits are synced.
  const durably = <T>(work: () => T): T => {
    db.exec("PRAGMA synchronous = FULL");
    try {
      return change(work);
    } finally {
      db.exec("PRAGMA synchronous = NORMAL");
    }
  };
  const requestOf = (id: string): ConsentRequest => toRequest(byId.get(id)) as ConsentRequest;
  const openAt = (now: number): readonly ConsentRequest[] => listOpen.all(now).flatMap((row) => toRequest(row) ?? []);

  return {
    open: async (wanted, { perSubject, total }) =>
      change(() => {
        const { id, question, subject, createdAt, expiresAt, auditId } = wanted;
        const joined = toRequest(same.get(question, createdAt));
        if (joined) {
          repeat.run(joined.id);
          insertCall.run({ auditId, id: joined.id });
          return { kind: "joined", request: requestOf(joined.id) };
        }
        const others = openAt(createdAt);
        const own = others.filter((request) => request.subject === subject);
        const limit = own.length >= perSubject ? "perSubject" : others.length >= total ? "total" : undefined;
        if (limit) {
          const newest = own.at(-1);
          if (newest) group.run(newest.id);
          return { kind: "full", limit, request: newest && requestOf(newest.id) };
        }
        insert.run(id, question, subject, createdAt, expiresAt, JSON.stringify(wanted));
        insertCall.run({ auditId, id });
        return { kind: "opened", request: requestOf(id) };
      }),
    find: async (id) => toRequest(byId.get(id)),
    findByCall: async (auditId) => toRequest(byCall.get(auditId)),
    listOpen: async (now) => openAt(now),
    settle: async (id, { state, ...answer }, grant) =>
      durably(() => {
        const { changes } = settle.run({ id, state, answer: JSON.stringify(answer), at: answer.at });
        if (changes === 1 && grant)
          insertGrant.run(grant.id, id, grant.call === null ? 0 : 1, grant.expiresAt, JSON.stringify(grant));
        return { settled: changes === 1, request: toRequest(byId.get(id)) };
      }),
    grants: async (now) => grants.all(now).map(toGrant),
    use: async (id, now) =>
      durably(() => {
        const used = use.get(id, now) as { request: string } | undefined;
        if (used) mark.run("used", used.request);
        return used !== undefined;
      }),
    withdraw: async (id, now) =>
      durably(() => {
        const row = withdraw.get(id, now);
        return row && toGrant(row);
      }),
    async expire(now) {
      const long = now - rememberedMs;
      if ((anyOver.get({ now, long }) as { found: number }).found === 0) return { requests: [], grants: [] };
      return change(() => {
        const requests = over.all(now).flatMap((row) => toRequest(row) ?? []);
        for (const { id } of requests) mark.run("expired", id);
        forgetCalls.run(long);
        forget.run(long);
        return {
          requests: requests.map((request): ConsentRequest => ({ ...request, state: "expired" })),
          grants: grantsOver.all(now).map(toGrant),
        };
      });
    },
    async version() {
      const { data_version: current } = dataVersion.get() as { data_version: number };
      if (current !== seen) known = undefined;
      seen = current;
      known ??= (read.get() as { version: number }).version;
      return known;
    },
  };
}
