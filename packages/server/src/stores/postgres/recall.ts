import type { Concern, Postgres } from "./database.ts";

export interface Recall<T> {
  /** What `look` found for the key, now or at an earlier time since which nobody is known to have changed the concern. */
  find(key: string, look: () => Promise<T | undefined>): Promise<T | undefined>;
}

const mostRecalled = 10_000;

/**
 * How long a change by another replica may go unnoticed, in ms: a quarter of the second within which a revocation has to count everywhere. A database
 * that does not answer is noticed as fast, and then nothing is recalled.
 */
const maxAgeMs = 250;

/** Remembers what was found as long as the concern's version stays the same. What was not found is looked for again each time. */
export function createRecall<T>(db: Pick<Postgres, "version">, concern: Concern): Recall<T> {
  const known = new Map<string, T>();
  let seen: number | undefined;
  return {
    async find(key, look) {
      // Asked before the look: what changes meanwhile counts with the next question.
      const version = await db.version(concern, maxAgeMs);
      if (version !== seen || known.size >= mostRecalled) known.clear();
      seen = version;
      const found = known.get(key);
      if (found !== undefined) return found;
      const record = await look();
      if (record !== undefined && seen === version) known.set(key, record);
      return record;
    },
  };
}
