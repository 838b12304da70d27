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
  /** Rejects with `DuplicateName` when a token of that name exists that is still valid at `record.createdAt`. */
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
  /** A token has at most 1,000 sessions: beyond, those that end first give way. */
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

/**
 * Builds a record's body (a JSON text with the call's `id`) from its sequence number and the hash (hex) of the record before, which the
 * log alone knows. It may be asked more than once, since another process may take the number first. `bytes` tells its size beforehand.
 */
export interface Entry {
  (seq: number, previous: string): string;
  readonly bytes?: number;
}

/** The last record known to have been acknowledged, as it is remembered outside the log itself. */
export interface Head {
  readonly seq: number;
  readonly hash: string;
}

export interface AuditLog {
  /**
   * Seals the entry into the chain; resolves only when the record would survive the death of this process. Rejects within 300 ms when it
   * cannot be written, and at once when too many wait.
   */
  append(build: Entry): Promise<StoredRecord>;
  /** Records with `seq > after`, oldest first, at most `limit`. */
  read(after: number, limit: number): Promise<readonly StoredRecord[]>;
  /** The records of one call, oldest first; it may read the whole log to find them. */
  find(id: string): Promise<readonly StoredRecord[]>;
  head(): Promise<StoredRecord | undefined>;
  /**
   * Why nothing can be recorded, or undefined while all is well. It stays until restart once writing has failed; a lock that another
   * process holds is told only as long as it lasts, and the next append tries again.
   */
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

/** What tells without reading it that a file is still the one that was indexed. */
export interface FileStamp {
  /** Bytes. */
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ino: bigint;
}

/** `source` is the folder's absolute real path, `path` the file's path inside it, with `/` between its segments. */
export interface DocumentKey {
  readonly source: string;
  readonly path: string;
}

/** A file that the index has dealt with: as a document, or skipped for a reason. */
export interface KnownFile extends DocumentKey, FileStamp {
  /** SHA-256 of its bytes in hex; empty when it was skipped. */
  readonly sha256: string;
  readonly chunks: number;
  /** Why it is no document; undefined for a document. */
  readonly reason?: string;
}

/** `id` holds as long as the document's key is in the index. */
export interface IndexedDocument extends DocumentKey {
  readonly id: number;
  readonly title: string;
}

/** `text` says what the bytes `[start, end)` of the source say; `sha256` (hex) is that of these bytes. */
export interface Passage {
  readonly start: number;
  readonly end: number;
  readonly sha256: string;
  readonly text: string;
}

/**
 * One step of the index. Terms are what a query is matched against, in the order of the text: words already folded by the caller, each
 * without a space. Those of the title and the path are kept with the document's first chunk, so a document has at least one.
 */
export type IndexChange =
  | {
      readonly kind: "put";
      readonly key: DocumentKey;
      readonly stamp: FileStamp;
      readonly sha256: string;
      readonly title: string;
      readonly terms: { readonly title: readonly string[]; readonly path: readonly string[] };
      readonly chunks: readonly (Passage & { readonly terms: readonly string[] })[];
    }
  /** The same content under a new stamp. */
  | { readonly kind: "stamp"; readonly key: DocumentKey; readonly stamp: FileStamp }
  | { readonly kind: "skip"; readonly key: DocumentKey; readonly stamp: FileStamp; readonly reason: string }
  | { readonly kind: "remove"; readonly key: DocumentKey };

/** How often a term or phrase stands in one field of one chunk. */
export interface Posting {
  readonly document: number;
  readonly chunk: number;
  readonly field: "title" | "path" | "text";
  readonly count: number;
  /** Terms of the chunk's text. */
  readonly length: number;
}

/**
 * Which terms stand where in which documents. It knows nothing of relevance or permission: whoever asks drops what the caller may not see,
 * and only then ranks.
 */
export interface TextIndex {
  /** Does all changes or, when it rejects, none; once it resolves they survive the death of this process. */
  apply(changes: readonly IndexChange[]): Promise<void>;
  /** Every file of a source that the index has dealt with, by path. */
  files(source: string): Promise<ReadonlyMap<string, KnownFile>>;
  postings(term: string): Promise<readonly Posting[]>;
  /** Where these terms stand one after another; a chunk counts once a field. */
  phrase(terms: readonly string[]): Promise<readonly Posting[]>;
  document(key: DocumentKey): Promise<IndexedDocument | undefined>;
  /** Those that exist; in any order. */
  documents(ids: readonly number[]): Promise<readonly IndexedDocument[]>;
  /** The passage of a chunk, unless it has been replaced meanwhile. */
  passage(chunk: number): Promise<Passage | undefined>;
  close(): Promise<void>;
}
