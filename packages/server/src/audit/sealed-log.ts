import type { AuditLog } from "../stores/store.ts";

/** What is kept of the oldest records once they are sealed away: enough to go on proving those that follow. */
export interface SealedSegment {
  readonly first: number;
  readonly last: number;
  /** The last one's hash. */
  readonly hash: string;
  /** The checkpoint over all records up to the last. */
  readonly note: string;
  /** The right edge of the Merkle tree there. */
  readonly frontier: Uint8Array;
  /** The file that they were moved to, with its SHA-256; null when they were dropped. */
  readonly archive: string | null;
  readonly sha256: string | null;
  readonly at: number;
}

/** A log with what proves it. */
export interface SealedAuditLog extends AuditLog {
  /** Signed notes, the oldest first. */
  checkpoints(): readonly string[];
  sealed(): SealedSegment | undefined;
}
