import { createHash } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { join, resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { openCheckpoint } from "../../audit/checkpoint.ts";
import { openAuditKeys, verifierOf } from "../../audit/keys.ts";
import { createTree, packFrontier, unpackFrontier } from "../../audit/merkle.ts";
import { parseRecord } from "../../audit/record.ts";
import type { SealedSegment } from "../../audit/sealed-log.ts";
import { parseVerifierKey, type Signer } from "../../audit/signed-note.ts";
import { verifyChain } from "../../audit/verify.ts";
import { createCheckpointer } from "./audit-checkpoints.ts";
import { createReader } from "./audit-reader.ts";
import { auditMigrations } from "./audit-schema.ts";
import { openDatabase } from "./database.ts";

/** Why records cannot be sealed away. */
export class SealError extends Error {}

export interface Sealed extends Pick<SealedSegment, "first" | "last" | "hash" | "sha256"> {
  /** Takes the records out of the log, a few at a time. What is left by an interruption is taken out by the next seal. */
  remove(): Promise<void>;
}

export interface SealOptions {
  /** Records that are older (ms since the epoch) are sealed, up to the last checkpoint among them. */
  readonly before: number;
  /** No record after this one is sealed. */
  readonly upTo?: number | undefined;
  /** The file that they are moved to; undefined drops them. */
  readonly archive: string | undefined;
}

const open = (folder: string): DatabaseSync =>
  openDatabase({ path: join(folder, "audit.db"), migrations: auditMigrations, busyMs: 2_000 });

/** Signs a checkpoint over all that is there, also with keys beside the log's own. */
export function signNow(folder: string, others: readonly Signer[]): void {
  const db = open(folder);
  try {
    createCheckpointer({ db, folder, tell: () => {} }).now(others);
  } finally {
    db.close();
  }
}

/**
 * Seals whole stretches of records away: they are verified, written to the archive, and what proves the records after them is kept. Only
 * `remove` takes anything out. Undefined when there is nothing to seal; throws `SealError` for a log that does not verify.
 */
export async function sealAway(folder: string, { before, upTo, archive }: SealOptions): Promise<Sealed | undefined> {
  const db = open(folder);
  try {
    const reader = createReader(db);
    const done = reader.sealed();
    const edge = done && unpackFrontier(done.last, done.frontier);
    const start = done?.last ?? 0;
    const chosen = choose(db, { start, before, upTo });
    if (!chosen) return undefined;
    const { size: last, note } = chosen;
    if (archive !== undefined && existsSync(archive)) throw new SealError(`${archive} is there already.`);

    const keys = openAuditKeys(folder);
    const trusted = [verifierOf(keys), ...keys.retired.flatMap((key) => parseVerifierKey(key) ?? [])];
    const proofs = { notes: [{ note, source: "the log" }], keys: trusted, frontier: edge };
    const after = done && { seq: done.last, hash: done.hash };
    const { status, fault, head } = await verifyChain(reader, { after, until: last, proofs });
    if (status === "tampered" || status === "unreadable" || head?.seq !== last)
      throw new SealError(`The records cannot be sealed, since they do not verify: ${fault?.message ?? status}`);

    const tree = createTree(edge);
    const file = archive === undefined ? undefined : createArchive(archive);
    for (let seq = start; seq < last; ) {
      const records = await reader.read(seq, Math.min(1_000, last - seq));
      for (const { body, hash } of records) {
        tree.append(Buffer.from(hash, "hex"));
        file?.write(`{"hash":"${hash}","record":${body}}\n`);
      }
      seq = records.at(-1)?.seq ?? last;
    }
    const sha256 = file?.finish() ?? null;
    db.prepare(
      "INSERT INTO segments (first, last, hash, note, frontier, archive, sha256, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    ).run(
      start + 1,
      last,
      head.hash,
      note,
      packFrontier(tree.frontier()),
      archive ? resolve(archive) : null,
      sha256,
      Date.now(),
    );
    return { first: start + 1, last, hash: head.hash, sha256, remove: () => remove(folder, last) };
  } finally {
    db.close();
  }
}

/** The newest checkpoint over records that are all older, which leaves the log at least one. */
function choose(
  db: DatabaseSync,
  { start, before, upTo = Number.MAX_SAFE_INTEGER }: Pick<SealOptions, "before" | "upTo"> & { readonly start: number },
) {
  const all = db
    .prepare(
      "SELECT size, note FROM checkpoints WHERE size > ? AND size <= ? AND size < (SELECT max(seq) FROM records) ORDER BY size DESC",
    )
    .all(start, upTo) as { size: number; note: string }[];
  const body = db.prepare("SELECT body FROM records WHERE seq = ?");
  return all.find(({ size, note }) => {
    const text = body.get(size)?.body;
    return (
      typeof text === "string" && Date.parse(parseRecord(text).at) < before && openCheckpoint(note, []) !== undefined
    );
  });
}

/** Takes few records at a time, so that no call waits for it. */
async function remove(folder: string, last: number): Promise<void> {
  const db = open(folder);
  try {
    const few = db.prepare(
      "DELETE FROM records WHERE seq IN (SELECT seq FROM records WHERE seq <= ? ORDER BY seq LIMIT 500)",
    );
    while (Number(few.run(last).changes) > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  } finally {
    db.close();
  }
}

/** A file that is there whole or not at all. */
function createArchive(path: string) {
  const part = `${path}.part`;
  rmSync(part, { force: true });
  const file = openSync(part, "wx", 0o600);
  const sum = createHash("sha256");
  return {
    write(line: string): void {
      sum.update(line);
      writeSync(file, line);
    },
    finish(): string {
      fsyncSync(file);
      closeSync(file);
      renameSync(part, path);
      return sum.digest("hex");
    },
  };
}
