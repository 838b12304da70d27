import { randomFillSync } from "node:crypto";
import { monotonicFactory } from "ulid";

const pool = new Uint8Array(8_192);
let used = pool.length;

/** A random number in [0, 1) with one byte of randomness: asking the system for each byte would cost more than the rest of an id. */
function random(): number {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  return (pool[used++] ?? 0) / 256;
}

/** The next audit id: a ULID, so that ids sort by time, and those of one millisecond by order. `at` is in ms since the epoch. */
export const nextId: (at: number) => string = monotonicFactory(random);
