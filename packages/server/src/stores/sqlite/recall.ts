import type { DatabaseSync } from "node:sqlite";

export interface Recall<T> {
  /** What `look` found for the key, now or at an earlier time since which nobody has written. */
  find(key: string, look: () => T | undefined): T | undefined;
  /** To be called before this connection writes. */
  forget(): void;
  /** Differs after every commit of another connection, and every `forget` of this one. */
  version(): string;
  /** Differs after every commit of another connection. */
  otherVersion(): string;
}

const mostRecalled = 1_000;

/**
 * Remembers what was looked up for as long as nobody has written to the database: `data_version` tells of every commit of another connection
 * (https://sqlite.org/pragma.html#pragma_data_version), so a revocation by another process counts with the very next call.
 */
export function createRecall<T>(db: DatabaseSync): Recall<T> {
  const version = db.prepare("PRAGMA data_version");
  const known = new Map<string, T | undefined>();
  let seen: unknown;
  let forgotten = 0;
  const current = (): number => (version.get() as { data_version: number }).data_version;
  return {
    find(key, look) {
      const at = current();
      if (at !== seen || known.size >= mostRecalled) known.clear();
      seen = at;
      if (known.has(key)) return known.get(key);
      const record = look();
      known.set(key, record);
      return record;
    },
    forget() {
      forgotten += 1;
      known.clear();
    },
    version: () => `${current()}.${forgotten}`,
    otherVersion: () => String(current()),
  };
}
