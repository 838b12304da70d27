import type { Entry, StoredRecord } from "../store.ts";
import { DatabaseError } from "./database.ts";

/** What waits for the next commit. */
interface Waiting {
  readonly entry: Entry;
  resolve(record: StoredRecord): void;
  reject(error: unknown): void;
}

/** What became of one entry: its record, or why no record could be built of it. */
export type Written = { readonly record: StoredRecord } | { readonly error: unknown };

export interface CommitQueue {
  add(entry: Entry): Promise<StoredRecord>;
  fault(): string | undefined;
  /** Takes no more, and resolves when all that waits has been written or refused. */
  drain(): Promise<void>;
}

/** Nothing can be recorded now. */
export class Unrecordable extends Error {}

const mostRecords = 1_024;
const mostBytes = 4 * 1024 * 1024;
/** How long, in ms, records wait for a lock that another process holds. */
const patience = 250;

/**
 * Gathers what arrives in one turn of the event loop into one commit. `write` commits all of its entries or throws; an error of it other
 * than a lock means that nobody knows what the disk holds, so that nothing is written after it.
 */
export function createCommitQueue(write: (entries: readonly Entry[]) => readonly Written[]): CommitQueue {
  let waiting: Waiting[] = [];
  let bytes = 0;
  let scheduled = false;
  let closed = false;
  let lockedSince: number | undefined;
  let locked: string | undefined;
  let broken: string | undefined;

  const isFull = (entry: Entry): boolean => waiting.length >= mostRecords || bytes + (entry.bytes ?? 0) > mostBytes;

  const refuse = (batch: readonly Waiting[], message: string, cause?: unknown): void => {
    for (const { reject } of batch) reject(new Unrecordable(message, { cause }));
  };

  const flush = (): void => {
    scheduled = false;
    if (waiting.length === 0) return;
    const batch = waiting;
    const size = bytes;
    waiting = [];
    bytes = 0;
    try {
      const results = write(batch.map(({ entry }) => entry));
      lockedSince = locked = undefined;
      for (const [index, { resolve, reject }] of batch.entries()) {
        const result = results[index];
        if (result && "record" in result) resolve(result.record);
        else reject(result?.error);
      }
    } catch (error) {
      if (error instanceof DatabaseError && error.reason === "locked") {
        waiting = [...batch, ...waiting];
        bytes += size;
        waitForLock(error);
      } else {
        broken = `${toMessage(error)} Nothing is recorded any more until the server is restarted.`;
        refuse(batch, broken, error);
      }
    }
  };

  const waitForLock = (error: DatabaseError): void => {
    const now = performance.now();
    lockedSince ??= now;
    if (now - lockedSince < patience) {
      scheduled = true;
      setTimeout(flush, 1);
      return;
    }
    const batch = waiting;
    waiting = [];
    bytes = 0;
    lockedSince = undefined;
    locked = error.message;
    refuse(batch, locked, error);
  };

  return {
    add(entry) {
      // A full queue is written now; only one that cannot be written turns records away.
      if (isFull(entry) && lockedSince === undefined) flush();
      const closing = closed ? "The audit is closed." : undefined;
      const full = isFull(entry) ? "Too many records wait to be written." : undefined;
      const refusal = broken ?? closing ?? full;
      if (refusal !== undefined) return Promise.reject(new Unrecordable(refusal));
      return new Promise((resolve, reject) => {
        waiting.push({ entry, resolve, reject });
        bytes += entry.bytes ?? 0;
        if (scheduled) return;
        scheduled = true;
        setImmediate(flush);
      });
    },

    fault: () => broken ?? locked,

    async drain() {
      closed = true;
      while (waiting.length > 0) {
        flush();
        if (waiting.length > 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
    },
  };
}

const toMessage = (error: unknown): string => (error instanceof Error ? error.message : String(error));
