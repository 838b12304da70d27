import type { Head, StoredRecord } from "./store.ts";

/** A log as others know it: who writes it, and the keys that sign its checkpoints. */
export interface AuditChain {
  /** Names the log in its checkpoints. */
  readonly origin: string;
  /** Verifier keys, the newest first. */
  readonly keys: readonly string[];
  /** The machine that writes it. */
  readonly name: string;
}

/** Where every replica's log is kept for all. Each chain is a replica's own; what is in here is never changed. */
export interface AuditShare {
  /** Makes a chain known, or its keys, before its first record. */
  register(chain: AuditChain): Promise<void>;
  chains(): Promise<readonly AuditChain[]>;
  /** The last record of a chain that is kept here. */
  last(origin: string): Promise<Head | undefined>;
  /**
   * Keeps records, each once however often it is given, and answers the number of the last one that it had before: a share that has lost some since (it
   * was killed, or put back from a backup) gets them again. Rejects with `ForeignRecord` where another record stands in the place of one.
   */
  put(origin: string, records: readonly StoredRecord[]): Promise<number>;
  putCheckpoint(origin: string, size: number, note: string): Promise<void>;
  /** Records of a chain with `seq > after`, oldest first. */
  read(origin: string, after: number, limit: number): Promise<readonly StoredRecord[]>;
  /** Signed notes of a chain, the oldest first. */
  checkpoints(origin: string): Promise<readonly string[]>;
  /** Why it cannot be reached now; undefined while all is well. */
  fault(): string | undefined;
}

/** The chain has gone on without this log: it was restored from an older copy, or two replicas were given one data folder. */
export class ForeignRecord extends Error {}
