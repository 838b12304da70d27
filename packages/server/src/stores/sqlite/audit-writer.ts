import type { DatabaseSync } from "node:sqlite";
import { ulid } from "ulid";
import { genesis, linkHash } from "../../audit/chain.ts";
import { parseRecord, placeRecord, recoveryName, sealRecord } from "../../audit/record.ts";
import type { Entry, Head, StoredRecord } from "../store.ts";
import { type KeptHead, openHeadFile } from "./audit-head.ts";
import { endLife, enterLife } from "./audit-lives.ts";
import type { Batch, Committed } from "./commit-queue.ts";
import { DatabaseError, toDatabaseError } from "./database.ts";

export interface AuditWriterOptions {
  /** Opened with `openDatabase`. */
  readonly db: DatabaseSync;
  readonly path: string;
  readonly folder: string;
  readonly kept?: KeptHead | undefined;
  readonly durability?: "process" | "power" | undefined;
  /** Names this life of the process. */
  readonly boot?: string | undefined;
  /** How long, in ms, a batch waits for a lock that another process holds. */
  readonly lockMs?: number;
}

export interface AuditWriter {
  /** Writes all of a batch, or nothing; nothing either when it has been abandoned before it is committed. Nothing is written any more after `broken`. */
  write(batch: Batch, abandoned?: () => boolean): Committed;
  /** Writes what the log has to tell of itself, unless a lock stands in the way: then the next batch brings it. */
  recover(): void;
  close(): void;
}

/** How many pages (4 KiB) the WAL may have before a commit has to move them: the keeper's thread does it long before. */
const mostWalPages = 65_536;

/** Writes the log, on whatever thread it is: it may take as long as the disk takes. Throws when the log cannot be written at all. */
export function createAuditWriter(options: AuditWriterOptions): AuditWriter {
  const { db, path, folder, kept, durability = "process", boot = "", lockMs = 0 } = options;
  db.exec(`PRAGMA wal_autocheckpoint = ${mostWalPages}; PRAGMA busy_timeout = 0`);
  const file = openHeadFile(folder, durability);
  const lastRecord = db.prepare("SELECT seq, body, hash FROM records ORDER BY seq DESC LIMIT 1");
  const last = () => lastRecord.get() as StoredRecord | undefined;
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  const insert = db.prepare("INSERT INTO records (seq, body, hash) VALUES (?, ?, ?)");
  const open = db.prepare("INSERT OR REPLACE INTO intents (id, seq, boot) VALUES (?, ?, ?)");
  const close = db.prepare("DELETE FROM intents WHERE id = ?");
  let broken: string | undefined;
  let recovered = false;

  /** Puts entries behind the last record, inside of a transaction. */
  const put = (texts: readonly string[]): { head: Head; first: number; previous: string; hashes: string[] } => {
    // Read anew each time: another process may have written since.
    let head: Head = last() ?? { seq: 0, hash: genesis };
    const [first, previous] = [head.seq + 1, head.hash];
    const hashes = texts.map((text) => {
      const seq = head.seq + 1;
      const body = placeRecord({ text }, seq, head.hash);
      head = { seq, hash: linkHash(head.hash, body) };
      insert.run(seq, body, head.hash);
      return head.hash;
    });
    return { head, first, previous, hashes };
  };

  /** Another process lets go within microseconds, most often; SQLite's own waiting would sleep through it. */
  const beginSoon = (within: number): void => {
    const end = performance.now() + within;
    for (let tries = 1; ; tries++) {
      try {
        return void begin.run();
      } catch (error) {
        const known = toDatabaseError(error, path);
        if (!isLocked(known) || performance.now() >= end) throw known;
        // Naps of odd lengths: whoever always came back in step with a busy writer would find the lock taken each time.
        if (tries > 20) Atomics.wait(nap, 0, 0, 0.05 + Math.random() / 2);
      }
    }
  };

  const write = ({ texts, effects }: Batch, abandoned = () => false): Committed => {
    if (broken !== undefined) return { broken };
    try {
      recover(lockMs);
      beginSoon(lockMs);
      const { head, first, previous, hashes } = put(texts);
      for (const [index, begins, id] of effects) {
        if (begins) open.run(id, first + index, boot);
        else close.run(id);
      }
      if (abandoned()) {
        rollBack(db);
        return { locked: "The audit's records were not written in time." };
      }
      commit.run();
      file.write(head);
      return { first, previous, hashes };
    } catch (error) {
      if (db.isTransaction) rollBack(db);
      const known = toDatabaseError(error, path);
      const message = known instanceof Error ? known.message : String(known);
      if (isLocked(known)) return { locked: message };
      broken = message;
      return { broken };
    }
  };

  /** What the log has to tell of itself comes before all else, as soon as it can be written. */
  const recover = (within: number): void => {
    if (recovered) return;
    beginSoon(within);
    try {
      const found = [...cutTorn(db, last(), kept), ...findGone(last(), kept)].map((what) => tellFound(what, boot));
      const entries = [...found, ...enterLife(db, boot)];
      const { head } = put(entries.map(({ text }) => text));
      commit.run();
      recovered = true;
      if (entries.length > 0) file.write(head);
    } catch (error) {
      if (db.isTransaction) rollBack(db);
      throw error;
    }
  };

  return {
    write,
    recover() {
      try {
        recover(0);
      } catch (error) {
        const known = toDatabaseError(error, path);
        if (!isLocked(known)) broken = known instanceof Error ? known.message : String(known);
      }
    },
    close() {
      try {
        if (broken === undefined) {
          db.exec("PRAGMA busy_timeout = 1000");
          endLife(db, boot);
        }
      } catch {
        // Then the next one who opens the log will tell that this one did not close it.
      } finally {
        file.close();
        if (db.isOpen) db.close();
      }
    },
  };
}

const nap = new Int32Array(new SharedArrayBuffer(4));

const isLocked = (error: unknown): boolean => error instanceof DatabaseError && error.reason === "locked";

function rollBack(db: DatabaseSync): void {
  try {
    db.exec("ROLLBACK");
  } catch {
    // A disk that fails may have ended the transaction itself.
  }
}

interface Found {
  readonly kind: "lost" | "truncated" | "torn";
  readonly message: string;
}

function findGone(last: Head | undefined, kept: KeptHead | undefined): readonly Found[] {
  if (kept === undefined || (last !== undefined && last.seq >= kept.seq)) return [];
  const from = (last?.seq ?? 0) + 1;
  const cause = kept.perishable ? "lost with the machine's power, or removed" : "removed from the end of the log";
  return [
    {
      kind: kept.perishable ? "lost" : "truncated",
      message: `Records ${from} to ${kept.seq} were acknowledged and are gone: ${cause}. The last of them had the hash ${kept.hash}.`,
    },
  ];
}

/** Only a last record that cannot be read and that nobody was told of is cut; anything else is left for `audit verify` to name. */
function cutTorn(db: DatabaseSync, last: StoredRecord | undefined, kept: KeptHead | undefined): readonly Found[] {
  if (last === undefined || kept === undefined || last.seq <= kept.seq || isWhole(last)) return [];
  db.prepare("DELETE FROM records WHERE seq = ?").run(last.seq);
  return [
    {
      kind: "torn",
      message: `Record ${last.seq} was half written and nobody had been told of it: it was cut off. It had the hash ${last.hash}.`,
    },
  ];
}

function isWhole({ seq, body, hash }: StoredRecord): boolean {
  try {
    const record = parseRecord(body);
    return record.seq === seq && linkHash(record.previous, body) === hash;
  } catch {
    return false;
  }
}

const tellFound = ({ kind, message }: Found, boot: string): Entry =>
  sealRecord({
    kind: "system",
    id: ulid(),
    at: new Date().toISOString(),
    boot,
    method: recoveryName,
    reason: message,
    outcome: kind,
  });
