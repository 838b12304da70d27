/**
 * The ports of all state. Each engine's folder offers the ones that it can; one conformance suite runs over every engine.
 * Every method may reject; a rejection is never read as "nothing there".
 */

/** An API token. The token itself is never kept, only `hash`: the SHA-256 of its text, in hex. */
export interface TokenRecord {
  readonly id: string;
  readonly name: string;
  readonly subject: string;
  readonly hash: string;
  readonly owner: boolean;
  /** Milliseconds since the epoch, as are all times here. */
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
}

export interface TokenStore {
  /** Rejects with `DuplicateName` when a token of that name exists that is not revoked. */
  add(record: TokenRecord): Promise<void>;
  findByHash(hash: string): Promise<TokenRecord | undefined>;
  find(id: string): Promise<TokenRecord | undefined>;
  list(): Promise<readonly TokenRecord[]>;
  /** Revokes by name or id; `undefined` when there is no such token that is still valid. */
  revoke(nameOrId: string, at: number): Promise<TokenRecord | undefined>;
}

export class DuplicateName extends Error {}

/** A short login of one token on one connection. `id` is the SHA-256 of the session's secret, in hex. */
export interface SessionRecord {
  readonly id: string;
  readonly tokenId: string;
  readonly subject: string;
  readonly createdAt: number;
  readonly expiresAt: number;
}

export interface SessionStore {
  add(record: SessionRecord): Promise<void>;
  find(id: string): Promise<SessionRecord | undefined>;
  /** Moves the end of a session; false when it is not there any more. */
  extend(id: string, expiresAt: number): Promise<boolean>;
  remove(id: string): Promise<void>;
  /** Drops what ended before `now`; answers how many. */
  sweep(now: number): Promise<number>;
}

/** A token bucket: `capacity` tokens, refilled evenly at `perMinute`. */
export interface Bucket {
  readonly key: string;
  readonly capacity: number;
  readonly perMinute: number;
}

export type TakeResult =
  | { readonly granted: true }
  | { readonly granted: false; readonly bucket: Bucket; readonly tokensLeft: number; readonly retryAfterMs: number };

export interface RateCounter {
  /** Takes one token of every bucket, or of none when one is empty: exact under concurrency. */
  take(buckets: readonly Bucket[], now: number): Promise<TakeResult>;
}

export interface TurnQuestion {
  /** Who is counted: one grant (token) over all its connections. */
  readonly grant: string;
  /** The turn inside the grant, named by the client or made from the purpose. */
  readonly turn: string;
  /** Calls per turn. */
  readonly calls: number;
  /** Calls of all turns of the grant together within the rolling `window`. */
  readonly ceiling: number;
  /** A turn closes after `idle` ms without an admitted call, and `window` ms after it opened. */
  readonly idle: number;
  readonly window: number;
  readonly now: number;
}

export type TurnResult =
  | { readonly admitted: true; readonly count: number }
  | {
      readonly admitted: false;
      readonly limit: "turn" | "ceiling";
      readonly count: number;
      readonly retryAfterMs: number;
    };

export interface TurnCounter {
  /** Counts one call before it runs: exact under concurrency. A refused call does not keep the turn open. */
  count(question: TurnQuestion): Promise<TurnResult>;
}

/** A record as the audit keeps it: `body` is the JSON text that `hash` (hex) covers, chained to the record before it. */
export interface StoredRecord {
  readonly seq: number;
  readonly body: string;
  readonly hash: string;
}

export interface AuditLog {
  /**
   * Seals the entry into the chain; resolves only when the record would survive the death of this process.
   * `body` is built from the sequence number and the hash (hex) of the record before, which the log alone knows.
   */
  append(build: (seq: number, previous: string) => string): Promise<StoredRecord>;
  /** Records with `seq > after`, oldest first, at most `limit`. */
  read(after: number, limit: number): Promise<readonly StoredRecord[]>;
  /** The records of one call, oldest first. */
  find(id: string): Promise<readonly StoredRecord[]>;
  head(): Promise<StoredRecord | undefined>;
  /** Why nothing can be recorded any more, or undefined while all is well. Once set it stays until restart. */
  fault(): string | undefined;
  close(): Promise<void>;
}

/** One policy file as text. `path` is what faults are reported under. */
export interface PolicySource {
  readonly path: string;
  readonly text: string;
}

export interface PolicyStore {
  read(): Promise<readonly PolicySource[]>;
  /** Calls `changed` within a second of any change; the answer ends the watch. */
  watch(changed: () => void): Promise<() => Promise<void>>;
}
