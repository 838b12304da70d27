import { renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { openCheckpoint, signCheckpoint } from "../../audit/checkpoint.ts";
import { type AuditKeys, keysFile, openAuditKeys, signerOf, verifierOf } from "../../audit/keys.ts";
import { createTree, type MerkleTree, packFrontier, unpackFrontier } from "../../audit/merkle.ts";
import { parseVerifierKey, type Signer } from "../../audit/signed-note.ts";

/** The newest checkpoint lies beside the log as a text, for tools of others. */
export const checkpointFile = "audit.checkpoint";

const everyRecords = 1_000;
const everyMs = 10_000;
/** How many records are taken into the tree before what waits to be written is looked at again. */
const slice = 1_000;

export interface Checkpointer {
  /** Looks whether there is something that no checkpoint covers. */
  look(): void;
  /** How long, in ms, until `work` has something to do. */
  due(): number;
  /** Does a part of what is due. */
  work(): void;
  /** Signs all that there is, also by keys beside the log's own. */
  now(others?: readonly Signer[]): string | undefined;
}

export interface CheckpointerOptions {
  readonly db: DatabaseSync;
  readonly folder: string;
  /** Takes each new checkpoint to whoever keeps it elsewhere. */
  tell(note: string, size: number): void;
}

/** Grows the tree behind the log, and signs its root every 1,000 records, or 10 s after the first one that is not yet covered. */
export function createCheckpointer({ db, folder, tell }: CheckpointerOptions): Checkpointer {
  const select = db.prepare("SELECT seq, hash FROM records WHERE seq > ? ORDER BY seq LIMIT ?");
  const insert = db.prepare("INSERT OR REPLACE INTO checkpoints (size, note, frontier, at) VALUES (?, ?, ?, ?)");
  const thin = db.prepare("UPDATE checkpoints SET frontier = NULL WHERE size < ? AND frontier IS NOT NULL");
  const standing = db.prepare("SELECT 1 FROM checkpoints WHERE size = ?");
  const newest = db.prepare("SELECT max(seq) AS seq FROM records");
  const keys = followKeys(folder);
  const tree = resumeTree(db, keys());
  let signed = tree.size;
  let known = Number(newest.get()?.seq ?? 0);
  let since = known > signed ? performance.now() : undefined;

  const grow = (most: number): boolean => {
    const rows = select.all(tree.size, most) as { seq: number; hash: string }[];
    for (const { seq, hash } of rows) {
      if (seq !== tree.size + 1 || hash.length !== 64)
        throw new Error(`Record ${tree.size + 1} is gone or damaged: run \`portcullis audit verify\`.`);
      tree.append(Buffer.from(hash, "hex"));
    }
    known = Math.max(known, tree.size);
    return rows.length < most;
  };

  const signNow = (others: readonly Signer[] = []): string | undefined => {
    if (tree.size === 0 || (tree.size === signed && others.length === 0)) {
      since = undefined;
      return undefined;
    }
    if (others.length === 0 && standing.get(tree.size)) {
      // Another process was first, maybe with more signatures.
      signed = tree.size;
      since = undefined;
      return undefined;
    }
    const { origin } = keys();
    const root = tree.root().toString("hex");
    const note = signCheckpoint({ origin, size: tree.size, root }, [...others, signerOf(keys())]);
    insert.run(tree.size, note, packFrontier(tree.frontier()), Date.now());
    thin.run(tree.size);
    const path = join(folder, checkpointFile);
    writeFileSync(`${path}.new`, note, { mode: 0o600 });
    renameSync(`${path}.new`, path);
    signed = tree.size;
    since = undefined;
    tell(note, signed);
    return note;
  };

  return {
    look() {
      known = Math.max(known, Number(newest.get()?.seq ?? 0));
      if (known > signed) since ??= performance.now();
    },
    due() {
      if (known - signed >= everyRecords) return 0;
      return since === undefined ? Number.POSITIVE_INFINITY : Math.max(0, since + everyMs - performance.now());
    },
    work() {
      if (grow(slice)) signNow();
    },
    now(others) {
      while (!grow(slice)) {}
      return signNow(others);
    },
  };
}

/** The keys as they are now: another process may rotate them. */
function followKeys(folder: string): () => AuditKeys {
  let keys = openAuditKeys(folder);
  let seen = -1;
  return () => {
    const { mtimeMs } = statSync(join(folder, keysFile));
    if (mtimeMs !== seen) keys = openAuditKeys(folder);
    seen = mtimeMs;
    return keys;
  };
}

/** Goes on from the newest checkpoint that these keys have signed, else from what was sealed away, else from the first record. */
function resumeTree(db: DatabaseSync, keys: AuditKeys): MerkleTree {
  const trusted = [verifierOf(keys), ...keys.retired.flatMap((key) => parseVerifierKey(key) ?? [])];
  const last = db.prepare("SELECT size, note, frontier FROM checkpoints ORDER BY size DESC LIMIT 1").get();
  const opened = last && openCheckpoint(String(last.note), trusted);
  const kept = last?.frontier instanceof Uint8Array ? unpackFrontier(Number(last.size), last.frontier) : undefined;
  if (opened && kept && opened.signedBy.length > 0 && opened.size === kept.size) {
    const tree = createTree(kept);
    if (tree.root().toString("hex") === opened.root) return tree;
  }
  const sealed = db.prepare("SELECT last, frontier FROM segments ORDER BY last DESC LIMIT 1").get();
  const edge =
    sealed?.frontier instanceof Uint8Array ? unpackFrontier(Number(sealed.last), sealed.frontier) : undefined;
  return createTree(edge);
}
