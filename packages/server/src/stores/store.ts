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
  /** Differs after a token was added or revoked, by whichever process; cheap enough to be asked several times a second. */
  version(): Promise<string>;
}

export class DuplicateName extends Error {}

/** A login of one token that lasts: on a connection, in an MCP session, in a browser. `id` is the SHA-256 of the session's secret, in hex. */
export interface SessionRecord {
  readonly id: string;
  readonly tokenId: string;
  readonly subject: string;
  /** The transport that it was opened on. */
  readonly door: string;
  /** What the client program called itself; empty when it did not. */
  readonly client: string;
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
  /** Oldest first, ended ones that were not swept among them. */
  list(): Promise<readonly SessionRecord[]>;
  /** Drops what ended before `now`; answers how many. */
  sweep(now: number): Promise<number>;
  /** Differs after another process has removed a session; what this one removes it knows. */
  version(): Promise<string>;
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

/** A record as the audit keeps it: `body` is the JSON text that `hash` (hex) covers, chained to the record before it. */
export interface StoredRecord {
  readonly seq: number;
  readonly body: string;
  readonly hash: string;
}

/** What is handed to the log: a record without its number and the hash of the record before, which the log alone knows. */
export interface Entry {
  /** The record's JSON after its two links: the rest of an object, with its closing brace. */
  readonly text: string;
  /** The id of the call whose effect this announces. */
  readonly opens?: string;
  /** The id of the call whose outcome this is. */
  readonly closes?: string;
  /** What is to be recorded should this be written after whoever waited for it has been refused. */
  late?(): Entry;
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
  append(entry: Entry): Promise<StoredRecord>;
  /** Records with `seq > after`, oldest first, at most `limit`: of those that are still here, since the oldest may have been sealed away. */
  read(after: number, limit: number): Promise<readonly StoredRecord[]>;
  /** The records of one call, oldest first; it may read the whole log to find them. */
  find(id: string): Promise<readonly StoredRecord[]>;
  head(): Promise<StoredRecord | undefined>;
  /**
   * Why nothing can be recorded, or undefined while all is well. It stays until restart once writing has failed; a lock that another
   * process holds is told only as long as it lasts, and the next append tries again.
   */
  fault(): string | undefined;
  /** How many records wait to be written. */
  depth(): number;
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

/** A stamp as one text, which takes less room than what it is made of. */
export const toStampText = ({ size, mtimeNs, ino }: FileStamp): string =>
  `${size} ${mtimeNs} ${BigInt.asIntN(64, ino)}`;

/** `source` is the folder's absolute real path, `path` the file's path inside it, with `/` between its segments. */
export interface DocumentKey {
  readonly source: string;
  readonly path: string;
}

/** A file that the index has dealt with: as documents, or skipped for a reason. */
export interface KnownFile extends DocumentKey, FileStamp {
  /** SHA-256 of its bytes in hex; empty when it was skipped or has not been read to its end. */
  readonly sha256: string;
  readonly documents: number;
  readonly passages: number;
  /** Why it is no document; undefined for one that was read. */
  readonly reason?: string;
}

/** A range of the text of a document: of the file's own bytes, or of a text that was made from them and is kept. */
export interface Passage {
  readonly start: number;
  readonly end: number;
  /** SHA-256 of these bytes, in hex. */
  readonly sha256: string;
  /** What they say. */
  readonly text: string;
  /** What a reader calls the place: "page 3", "Guide › Install", a message's author and time. Empty when it has no name. */
  readonly label: string;
  /** Of a message: what tells that it is the same in another file. */
  readonly identity?: string;
}

/** What a document says of itself beside its text. */
export interface DocumentFacts {
  readonly tags?: readonly string[];
  readonly aliases?: readonly string[];
  readonly links?: readonly string[];
}

/** What the ranking knows of every document at all times; the words are those of its names and of its text. */
export interface DocumentEntry extends DocumentKey {
  /** Grows: a document that has changed has a new one, and none is given twice. */
  readonly id: number;
  /** What tells it from the file's other documents; empty when there are none. */
  readonly part: string;
  /** ISO 639-1, or empty. */
  readonly language: string;
  /** When it was last changed, in milliseconds since 1970. */
  readonly time: number;
  readonly about: number;
  readonly words: number;
  readonly passages: number;
}

/** One document with what is shown of it. */
export interface IndexedDocument extends DocumentEntry {
  readonly title: string;
  readonly facts: DocumentFacts;
  /** Whether its text was made from the file and is kept. */
  readonly derived: boolean;
  /** The file's, when it was read. */
  readonly stamp: FileStamp;
}

/** A document to keep. */
export interface NewDocument
  extends Omit<IndexedDocument, "id" | "source" | "path" | "passages" | "derived" | "stamp"> {
  /** In the segment that it is kept with. */
  readonly number: number;
  /** SHA-256 of what it was made of, in hex. */
  readonly sha256: string;
  /** The text that was made from the file; undefined when it is the file's own bytes. */
  readonly text?: Uint8Array;
  readonly passages: readonly Passage[];
}

/** One step of the index. */
export type IndexChange =
  /** Documents of a file, each in the place of the one with the same part. The file counts as unread until it is `done`. */
  | { readonly kind: "add"; readonly key: DocumentKey; readonly documents: readonly NewDocument[] }
  /** A file has been read to its end; those of its documents go whose part is not among `parts`. */
  | {
      readonly kind: "done";
      readonly key: DocumentKey;
      readonly stamp: FileStamp;
      readonly sha256: string;
      readonly parts: ReadonlySet<string>;
    }
  /** The same content under a new stamp. */
  | { readonly kind: "stamp"; readonly key: DocumentKey; readonly stamp: FileStamp }
  | { readonly kind: "skip"; readonly key: DocumentKey; readonly stamp: FileStamp; readonly reason: string }
  | { readonly kind: "remove"; readonly key: DocumentKey };

/** A run of terms in order (of UTF-16 units) with their postings and positions, packed. `first` is the first of them. */
export interface TermBlock {
  readonly first: string;
  readonly postings: Uint8Array;
  readonly positions: Uint8Array;
}

/** An inverted index of some passages. Of each passage in turn: which document it is of, and how many words it has. */
export interface SegmentFacts {
  readonly documents: Uint32Array;
  readonly lengths: Uint16Array;
}

export interface Segment extends SegmentFacts {
  readonly blocks: readonly TermBlock[];
  /** The words among its terms, in order, each with a line break behind it: what misspelt words are compared with. */
  readonly vocabulary: string;
}

/** A segment as it is kept: its blocks by their first terms. */
export interface KeptSegment extends SegmentFacts {
  readonly id: number;
  readonly firsts: readonly string[];
}

/** A segment that takes the place of others, written bit by bit. */
export interface SegmentWriter {
  add(blocks: readonly TermBlock[]): Promise<void>;
  /** Puts it in the place of the others; false, and nothing done, when one of them is gone. */
  finish(facts: SegmentFacts & Pick<Segment, "vocabulary">): Promise<boolean>;
  abandon(): Promise<void>;
}

/**
 * What has been indexed: files, their documents with passages, and segments of terms. It knows nothing of relevance or permission. Reading is
 * synchronous: an index lies on this machine. A document is there as long as it is not gone, whatever segments say.
 */
export interface TextIndex {
  /**
   * Does all changes or, when it rejects, none; once it resolves they survive the death of this process. `segment` has what the added documents are
   * found by, under their numbers; what it has under other numbers is not found.
   */
  apply(changes: readonly IndexChange[], segment: Segment): Promise<void>;
  /** Begins a segment to be put in the place of others. In it, documents have their own ids. */
  replace(segments: readonly number[]): Promise<SegmentWriter>;
  /** Every file of a source that the index has dealt with, by path. */
  files(source: string): Promise<ReadonlyMap<string, KnownFile>>;
  /** The stamp of each of these files as `toStampText` writes it, by path. */
  stamps(source: string): Promise<Map<string, string>>;
  /** The hash of a file's bytes; undefined for one that is not known, empty for one that was skipped or not read to its end. */
  sha256(key: DocumentKey): string | undefined;
  /** The documents of a file by part, with the hash of what each was made of. */
  parts(key: DocumentKey): Promise<ReadonlyMap<string, string>>;
  /** Runs `work`, which must not wait, upon one state of the index: what others write meanwhile is not seen. */
  still<T>(work: () => T): T;
  /** A number that changes with every change, by whichever process. */
  version(): number;
  segments(): readonly number[];
  segment(id: number): KeptSegment | undefined;
  /** The packed terms of one block, with positions if they are wanted; undefined when the segment has been replaced meanwhile. */
  block(segment: number, place: number, positions: boolean): Omit<TermBlock, "first"> | undefined;
  /** See `Segment`; empty when the segment has been replaced meanwhile. */
  vocabulary(segment: number): string;
  /** Documents with an id above one, in order. */
  entries(after: number): IterableIterator<DocumentEntry>;
  /** Ids of documents that have gone since a moment; the moment is then `until`. Undefined when that is too long ago to tell. */
  gone(since: number): { readonly ids: readonly number[]; readonly until: number } | undefined;
  document(key: DocumentKey, part?: string): IndexedDocument | undefined;
  /** Undefined when it is gone. */
  documentById(id: number): IndexedDocument | undefined;
  passage(document: number, place: number): Passage | undefined;
  /** Its text alone; empty when it is gone. */
  passageText(document: number, place: number): string;
  /** The bytes of a derived text; undefined when the document has none or is gone. */
  text(document: number): Uint8Array | undefined;
  close(): Promise<void>;
}

/**
 * A chunk of text as a point. `chunk` is a positive integer below 2^53, `vector` has length 1, and `sha256` (hex) is of the text that was
 * embedded.
 */
export interface ChunkVector {
  readonly chunk: number;
  readonly sha256: string;
  readonly vector: Float32Array;
}

export interface Neighbor {
  readonly chunk: number;
  /** The cosine of both vectors: -1 to 1. */
  readonly similarity: number;
}

export interface NearestOptions {
  /** At most 1,000. */
  readonly k: number;
  /** Which chunks there are for this caller, all unless told. It must not wait. A chunk that it hides takes nobody's place. */
  readonly allows?: (chunk: number) => boolean;
  readonly signal?: AbortSignal;
}

/**
 * Nearest-neighbour search over chunks. A collection (of at most 128 of a-z, 0-9, dots, dashes and underscores) holds the vectors of one model, which all have as many
 * dimensions as the first one. What is put is found at once, and survives the death of this process where the engine keeps anything.
 */
export interface VectorIndex {
  /** Puts all of at most 1,000 vectors or, when it rejects, none; a chunk that is there is replaced. Rejects with `VectorFault` for vectors that do not fit. */
  put(collection: string, vectors: readonly ChunkVector[]): Promise<void>;
  /** Takes chunks out of every collection. */
  remove(chunks: readonly number[]): Promise<void>;
  /** The visible chunks with the greatest similarity, falling; of equals the smaller chunk first. None from a collection that is not there. */
  nearest(collection: string, vector: Float32Array, options: NearestOptions): Promise<readonly Neighbor[]>;
  /** Those of the chunks that have no vector in the collection, in the order given. */
  missing(collection: string, chunks: readonly number[]): Promise<readonly number[]>;
  /** Vectors of texts that the collection has already, by the SHA-256 of the text. */
  known(collection: string, hashes: readonly string[]): Promise<ReadonlyMap<string, Float32Array>>;
  /** Chunks above one, rising, at most `limit`. */
  chunks(collection: string, after: number, limit: number): Promise<readonly number[]>;
  count(collection: string): Promise<number>;
  collections(): Promise<readonly string[]>;
  /** Forgets a collection with all that is in it. */
  drop(collection: string): Promise<void>;
  close(): Promise<void>;
}

/** Vectors that cannot be put, or searched for: of the wrong dimensions, with numbers that are none, or too many at once. */
export class VectorFault extends Error {}

/** Refuses vectors that a collection of so many dimensions cannot hold; `dimensions` is undefined while it holds none. */
export function checkVectors(vectors: readonly ChunkVector[], dimensions = vectors[0]?.vector.length ?? 0): void {
  if (vectors.length > 1_000) throw new VectorFault("At most 1,000 vectors are put at once.");
  for (const { chunk, sha256, vector } of vectors) {
    if (!Number.isSafeInteger(chunk) || chunk < 1) throw new VectorFault(`${chunk} is no chunk.`);
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new VectorFault(`The hash of chunk ${chunk}'s text is no SHA-256.`);
    checkVector(vector, dimensions);
  }
}

/** Refuses a vector of other dimensions, or whose length is not 1. */
export function checkVector(vector: Float32Array, dimensions: number): void {
  if (vector.length !== dimensions) throw new VectorFault(`It has ${vector.length} dimensions, not ${dimensions}.`);
  const length = vector.reduce((sum, value) => sum + value * value, 0);
  if (!(Math.abs(length - 1) < 1e-3)) throw new VectorFault("The vector's length is not 1.");
}
