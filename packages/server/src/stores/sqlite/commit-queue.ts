import { placeRecord, sealRecord } from "../../audit/record.ts";
import type { Entry, StoredRecord } from "../store.ts";

/** One commit's worth of entries, fit to be sent to another thread. */
export interface Batch {
  readonly texts: readonly string[];
  /** Effects that begin (true) and end in it, by the ids of their calls, with the index of their record. */
  readonly effects: readonly (readonly [index: number, begins: boolean, id: string])[];
}

/** What became of a batch. `locked` means that nothing was written; after `broken` nobody knows what the disk holds. */
export type Committed =
  | { readonly first: number; readonly previous: string; readonly hashes: readonly string[] }
  | { readonly locked: string }
  | { readonly broken: string };

export interface Committer {
  /** Begins to write a batch, and calls `done` once. One batch at a time. */
  begin(batch: Batch, done: (result: Committed) => void): void;
  /** Gives the batch that was begun at most `ms` to be done, without giving way to anything else. */
  hurry(ms: number): void;
  /** Nobody waits for the batch any more: it need not be written. */
  abandon(): void;
  /** When whoever writes had started, on `performance`'s clock; undefined while it is being started. */
  readyAt(): number | undefined;
}

export interface CommitQueue {
  add(entry: Entry): Promise<StoredRecord>;
  fault(): string | undefined;
  /** Ends the log for good. */
  break(why: string): void;
  /** How many records wait. */
  depth(): number;
  /** Takes no more, and resolves when all that waits has been written or refused. */
  drain(): Promise<void>;
}

/** Nothing can be recorded now. */
export class Unrecordable extends Error {}

/** What waits, or is being written. */
interface Waiting {
  readonly entry: Entry;
  readonly since: number;
  resolve(record: StoredRecord): void;
  reject(error: unknown): void;
}

interface Flight {
  readonly items: readonly Waiting[];
  /** True once those who waited for it have been refused. */
  abandoned: boolean;
}

const mostRecords = 1_024;
const mostBytes = 4 * 1024 * 1024;
/** How long, in ms, a record may wait to be written before whoever waits for it is refused. */
const patienceMs = 250;
/** The same while the writer's thread is still being started. */
const startMs = 10_000;
/** The longest that a full queue holds up everything else, so that one turn's worth of calls is not refused for coming at once. */
const hurryMs = 25;

/**
 * Gathers what arrives while the last commit is being written into the next one. Whoever waits too long is refused, whatever the disk
 * does: a record that is written after that is followed by one that says so.
 */
export function createCommitQueue(committer: Committer): CommitQueue {
  let waiting: Waiting[] = [];
  let flight: Flight | undefined;
  let records = 0;
  let bytes = 0;
  let scheduled = false;
  let closed = false;
  let watched = false;
  let locked: string | undefined;
  let broken: string | undefined;
  let drained: (() => void) | undefined;
  const begun = new Set<string>();

  const isFull = ({ text }: Entry): boolean => records >= mostRecords || bytes + text.length > mostBytes;

  const forget = (items: readonly Waiting[]): void => {
    records -= items.length;
    for (const { entry } of items) bytes -= entry.text.length;
  };

  const refuse = (items: readonly Waiting[], message: string): void => {
    for (const { reject } of items) reject(new Unrecordable(message));
  };

  const schedule = (): void => {
    if (scheduled || flight) return;
    scheduled = true;
    setImmediate(flush);
  };

  const flush = (): void => {
    scheduled = false;
    if (flight || waiting.length === 0 || broken !== undefined) return;
    const items = waiting;
    waiting = [];
    const own: Flight = { items, abandoned: false };
    flight = own;
    watchIn(patienceMs);
    committer.begin(toBatch(items), (result) => land(own, result));
  };

  const toBatch = (items: readonly Waiting[]): Batch => {
    const effects: [number, boolean, string][] = [];
    for (const [index, { entry }] of items.entries()) {
      if (entry.opens !== undefined) {
        begun.add(entry.opens);
        effects.push([index, true, entry.opens]);
      } else if (entry.closes !== undefined && begun.has(entry.closes)) effects.push([index, false, entry.closes]);
    }
    return { texts: items.map(({ entry }) => entry.text), effects };
  };

  const land = (own: Flight, result: Committed): void => {
    if (flight !== own) return;
    flight = undefined;
    if ("broken" in result) {
      breakDown(result.broken, own);
      return;
    }
    if ("locked" in result) {
      locked = result.locked;
      // Nothing was written: what has not waited for long tries again.
      if (own.abandoned) {
        forget(own.items);
        for (const { entry } of own.items) begun.delete(entry.opens ?? "");
      } else waiting = [...own.items, ...waiting];
      refuseOld();
    } else {
      locked = undefined;
      forget(own.items);
      for (const { entry } of own.items) if (entry.closes !== undefined) begun.delete(entry.closes);
      settle(own, result);
    }
    if (waiting.length === 0) drained?.();
    else if (locked !== undefined) setTimeout(flush, 1);
    else flush();
  };

  const settle = ({ items, abandoned }: Flight, done: Extract<Committed, { readonly first: number }>): void => {
    let { previous } = done;
    for (const [index, { entry, resolve }] of items.entries()) {
      const hash = done.hashes[index] ?? "";
      const seq = done.first + index;
      if (!abandoned) resolve({ seq, body: placeRecord(entry, seq, previous), hash });
      previous = hash;
    }
    if (!abandoned) return;
    const late = items.flatMap(({ entry }) => entry.late?.() ?? []);
    for (const entry of [...late, tellLate(done.first, items.length)]) enqueue(entry).catch(() => {});
  };

  const breakDown = (why: string, own?: Flight): void => {
    broken ??= `${why} Nothing is recorded any more until the server is restarted.`;
    const items = [...(own && !own.abandoned ? own.items : []), ...(flight && !flight.abandoned ? flight.items : [])];
    flight = undefined;
    refuse([...items, ...waiting], broken);
    waiting = [];
    records = bytes = 0;
    drained?.();
  };

  const refuseOld = (): void => {
    const now = performance.now();
    const readyAt = committer.readyAt();
    // What came while the thread was being started begins to wait when it has.
    if (readyAt !== undefined && now - readyAt < patienceMs) return;
    const limit = now - (readyAt === undefined ? startMs : patienceMs);
    const why = locked ?? `The disk has not taken the audit's records for ${patienceMs} ms.`;
    if (flight && !flight.abandoned && (flight.items[0]?.since ?? 0) <= limit) {
      flight.abandoned = true;
      committer.abandon();
      refuse(flight.items, why);
    }
    const old = waiting.filter(({ since }) => since <= limit);
    if (old.length === 0) return;
    waiting = waiting.filter(({ since }) => since > limit);
    forget(old);
    refuse(old, why);
  };

  const watchIn = (ms: number): void => {
    if (watched) return;
    watched = true;
    setTimeout(onWatch, ms).unref();
  };

  const onWatch = (): void => {
    watched = false;
    refuseOld();
    const oldest = flight && !flight.abandoned ? flight.items[0] : waiting[0];
    if (oldest === undefined) return;
    const left = Math.max(oldest.since, committer.readyAt() ?? 0) + patienceMs - performance.now();
    watchIn(Math.max(5, left));
  };

  const enqueue = (entry: Entry): Promise<StoredRecord> =>
    new Promise((resolve, reject) => {
      waiting.push({ entry, since: performance.now(), resolve, reject });
      records += 1;
      bytes += entry.text.length;
      schedule();
    });

  /** A lock is given up by the writer itself before long; a disk may not answer at all. */
  const stalled = (): string | undefined =>
    flight?.abandoned && locked === undefined ? "The disk does not take the audit's records." : undefined;

  return {
    add(entry) {
      const since = flight?.items[0]?.since ?? performance.now();
      if (isFull(entry) && (committer.readyAt() === undefined || performance.now() - since < hurryMs)) {
        flush();
        committer.hurry(hurryMs);
      }
      const closing = closed ? "The audit is closed." : undefined;
      const full = isFull(entry) ? "Too many records wait to be written." : undefined;
      const refusal = broken ?? closing ?? stalled() ?? full;
      return refusal === undefined ? enqueue(entry) : Promise.reject(new Unrecordable(refusal));
    },

    fault: () => broken ?? stalled() ?? locked,

    break: (why) => breakDown(why),

    depth: () => records,

    async drain() {
      closed = true;
      if ((waiting.length === 0 && !flight) || broken !== undefined) return;
      // A disk that never answers must not hold up the end for ever.
      const timer = setTimeout(() => drained?.(), startMs);
      await new Promise<void>((resolve) => {
        drained = resolve;
      });
      clearTimeout(timer);
    },
  };
}

const tellLate = (first: number, count: number): Entry =>
  sealRecord({
    kind: "system",
    id: `late-${first}`,
    at: new Date().toISOString(),
    boot: "",
    method: "audit.late",
    reason: `Records ${first} to ${first + count - 1} were written too late: whoever waited for them was told UNAVAILABLE, whatever they say.`,
    outcome: "late",
  });
