/**
 * What the authorization server keeps: registered clients, grants, codes and tokens, each a JSON text under its kind. `id` is the SHA-256, in
 * hex, of what names it: no secret is kept.
 */
export interface OAuthRecord {
  readonly kind: string;
  readonly id: string;
  /** A second name within its kind. */
  readonly alias: string | null;
  /** The grant that it ends with: the SHA-256 of the grant's id. */
  readonly grant: string | null;
  readonly body: string;
  /** Milliseconds since the epoch, as are all times here. */
  readonly createdAt: number;
  readonly expiresAt: number | null;
  /** When it was used, of what may be used once. */
  readonly consumedAt: number | null;
}

export interface OAuthStore {
  /** Keeps a record in the place of the one of the same kind and id. It survives a loss of power. */
  put(record: OAuthRecord): Promise<void>;
  /** It may have expired: who asks looks. */
  find(kind: string, id: string): Promise<OAuthRecord | undefined>;
  /** The latest of the kind with that second name. */
  findByAlias(kind: string, alias: string): Promise<OAuthRecord | undefined>;
  /** Oldest first. */
  list(kind: string): Promise<readonly OAuthRecord[]>;
  /** Marks a record as used; true for the one caller who was first, however many ask at once. */
  consume(kind: string, id: string, at: number): Promise<boolean>;
  remove(kind: string, id: string): Promise<void>;
  /** Removes everything of a kind that ends with a grant. */
  removeGrant(kind: string, grant: string): Promise<void>;
  /** Drops what expired before `now`; answers how many. */
  sweep(now: number): Promise<number>;
}
