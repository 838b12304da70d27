import { hash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { TurnCounter, TurnQuestion, TurnResult } from "../turn-counter.ts";
import { transact } from "./database.ts";

export const turnSchema = `
  CREATE TABLE turnGrants (holder TEXT PRIMARY KEY, calls INTEGER NOT NULL, newest INTEGER NOT NULL, endsAt INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE turnCalls (holder TEXT NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (holder, n)) STRICT, WITHOUT ROWID;
  CREATE TABLE turns (
    holder TEXT NOT NULL, turn TEXT NOT NULL, openedAt INTEGER NOT NULL, lastAt INTEGER NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (holder, turn)
  ) STRICT, WITHOUT ROWID;`;

interface Grant {
  readonly calls: number;
  readonly newest: number;
}

interface Turn {
  readonly openedAt: number;
  readonly lastAt: number;
  readonly count: number;
}

/** Turns shared by every process on one data folder; they outlive a restart. */
export function createTurnCounter(db: DatabaseSync): TurnCounter {
  const sql = prepareAll(db);
  let admitted = 0;

  const count = ({ grant, turn, calls, ceiling, idle, window, now }: TurnQuestion): TurnResult => {
    const found = sql.grant.get(grant) as unknown as Grant | undefined;
    if (found && found.newest > now) sql.turnBack(grant, now);
    // A turn is named by a purpose, which may be private: what is kept only has to tell turns apart.
    const name = hash("sha256", turn, "base64url");
    const kept = sql.turn.get(grant, name) as unknown as Turn | undefined;
    const endsAt = kept ? Math.min(kept.lastAt + idle, kept.openedAt + window) : now;
    const open = endsAt > now ? kept : undefined;
    const inTurn = open?.count ?? 0;

    // Calls are numbered: the ceiling is reached when the one that lies `ceiling` calls back is still within the window.
    const number = (found?.calls ?? 0) + 1;
    const back = sql.call.get(grant, number - ceiling) as { readonly at: number } | undefined;
    const isAtCeiling = ceiling < 1 || (back !== undefined && back.at > now - window);
    if (isAtCeiling || inTurn >= calls) {
      // The same question would be admitted once both limits have room; a new turn's name changes nothing about the ceiling.
      const turnFreeAt = inTurn >= calls ? endsAt : now;
      const ceilingFreeAt = isAtCeiling ? (back?.at ?? now) + window : now;
      const retryAfterMs = Math.max(turnFreeAt, ceilingFreeAt) - now;
      if (!isAtCeiling) return { admitted: false, limit: "turn", count: inTurn, retryAfterMs };
      const within = sql.within.get(grant, now - window) as { readonly calls: number };
      return { admitted: false, limit: "ceiling", count: within.calls, retryAfterMs };
    }

    sql.keepTurn.run(grant, name, open?.openedAt ?? now, now, inTurn + 1);
    sql.keepCall.run(grant, number, now);
    sql.keepGrant.run(grant, number, now, now + window);
    sql.dropCalls.run(grant, number - ceiling);
    if (number % 64 === 0) sql.dropTurns.run(grant, now - window, now - idle);
    if (++admitted % 1_000 === 1) sql.sweep(now);
    return { admitted: true, count: inTurn + 1 };
  };

  return { count: async (question) => transact(db, () => count(question)) };
}

function prepareAll(db: DatabaseSync) {
  const pullCalls = db.prepare("UPDATE turnCalls SET at = min(at, :now) WHERE holder = :grant");
  const pullTurns = db.prepare(
    "UPDATE turns SET openedAt = min(openedAt, :now), lastAt = min(lastAt, :now) WHERE holder = :grant",
  );
  const sweeps = ["turnCalls", "turns", "turnGrants"].map((table) =>
    db.prepare(`DELETE FROM ${table} WHERE holder IN (SELECT holder FROM turnGrants WHERE endsAt <= ?)`),
  );
  return {
    grant: db.prepare("SELECT calls, newest FROM turnGrants WHERE holder = ?"),
    turn: db.prepare("SELECT openedAt, lastAt, count FROM turns WHERE holder = ? AND turn = ?"),
    call: db.prepare("SELECT at FROM turnCalls WHERE holder = ? AND n = ?"),
    within: db.prepare("SELECT count(*) AS calls FROM turnCalls WHERE holder = ? AND at > ?"),
    keepGrant: db.prepare("INSERT OR REPLACE INTO turnGrants VALUES (?, ?, ?, ?)"),
    keepTurn: db.prepare("INSERT OR REPLACE INTO turns VALUES (?, ?, ?, ?, ?)"),
    keepCall: db.prepare("INSERT INTO turnCalls VALUES (?, ?, ?)"),
    dropCalls: db.prepare("DELETE FROM turnCalls WHERE holder = ? AND n <= ?"),
    dropTurns: db.prepare("DELETE FROM turns WHERE holder = ? AND (openedAt <= ? OR lastAt <= ?)"),
    /** The clock went back: what lies in the future now is taken to have happened just now, so that it counts for one window at most. */
    turnBack(grant: string, now: number): void {
      pullCalls.run({ now, grant });
      pullTurns.run({ now, grant });
    },
    /** Forgets the grants of which nothing counts any more. */
    sweep(now: number): void {
      for (const statement of sweeps) statement.run(now);
    },
  };
}
