import { type AuditChain, type AuditShare, ForeignRecord } from "../stores/audit-share.ts";
import type { AuditLog, StoredRecord } from "../stores/store.ts";

export interface SharedAuditOptions {
  /** This replica's own log: what cannot be shared yet waits in it. */
  readonly local: AuditLog;
  readonly share: AuditShare;
  /** Asked each time: keys may be rotated. */
  readonly chain: () => AuditChain;
  /** What becomes of a record that cannot be shared now: it waits on this disk, or its call is refused. */
  readonly whenAway: "spool" | "refuse";
  /** Resolves when all that the local log has acknowledged survives a loss of power. */
  readonly sync: () => Promise<void>;
  /** The newest checkpoint of the local log, with how many records it covers. */
  readonly newest: () => Note | undefined;
  readonly fault: (message: string, error: unknown) => void;
}

export interface Note {
  readonly note: string;
  readonly size: number;
}

export interface SharedAudit extends AuditLog {
  /** Takes a new checkpoint, to be shared once its records are. */
  checkpoint(note: Note): void;
  /** That records wait here; undefined while none does. */
  warning(): string | undefined;
  /** Shares what waits, within `ms`; false when something is left. */
  flush(ms: number): Promise<boolean>;
}

const page = 250;
/** Whoever is so many records behind the share does not wait for it. */
const farBehind = 1_000;
const waitMs = 1_500;
const againMs = 250;
/** How often it is looked whether the share still has what it was given, in ms. */
const lookMs = 5_000;

/**
 * A log whose records are kept for all. A record is sealed into this replica's own chain, and acknowledged when the share has it; while that is away, when it
 * survives on this disk. What waits is delivered as soon as that is possible, each record once: the share itself knows up to which one it has them.
 */
export function createSharedAudit(options: SharedAuditOptions): SharedAudit {
  const { local, share, chain, whenAway, sync, fault } = options;
  const { origin } = chain();
  const waiting = new Set<{ readonly seq: number; readonly end: (shared: boolean) => void }>();
  let delivered: number | undefined;
  let appended = 0;
  let foreign: string | undefined;
  let running: Promise<void> | undefined;
  let dirty = false;
  let note: Note | undefined;
  let registered = "";
  let closed = false;
  let lookedAt = 0;

  const release = (upTo: number): void => {
    for (const waiter of waiting) if (waiter.seq <= upTo) waiter.end(true);
  };
  const giveUp = (): void => {
    for (const waiter of waiting) waiter.end(false);
  };

  const register = async (): Promise<void> => {
    const known = chain();
    const text = JSON.stringify(known);
    if (text === registered) return;
    await share.register(known);
    registered = text;
  };

  /** Up to which record the share has this chain. */
  const begin = async (): Promise<number> => {
    await register();
    const last = await share.last(origin);
    if (!last) return 0;
    const [own] = await local.read(last.seq - 1, 1);
    const isOurs = own !== undefined && (own.seq > last.seq || own.hash === last.hash);
    if (!isOurs)
      throw new ForeignRecord(
        `The shared audit has record ${last.seq} of this log, and this data folder has not: it was restored from an older copy, or two servers use it.`,
      );
    note ??= options.newest();
    return last.seq;
  };

  const deliver = async (): Promise<void> => {
    if (delivered === undefined || performance.now() - lookedAt > lookMs) {
      delivered = await begin();
      lookedAt = performance.now();
    }
    for (;;) {
      const records: readonly StoredRecord[] = await local.read(delivered, page);
      const [first, last] = [records[0], records.at(-1)];
      if (!first || !last) break;
      if (first.seq !== delivered + 1)
        throw new ForeignRecord(
          `Records ${delivered + 1} to ${first.seq - 1} were sealed away before they were shared.`,
        );
      const had = await share.put(origin, records);
      if (had < first.seq - 1) {
        // It has lost what it had: from there on it gets everything again.
        delivered = had;
        continue;
      }
      delivered = last.seq;
      appended = Math.max(appended, delivered);
      release(delivered);
    }
    const due = note;
    if (!due || due.size > delivered) return;
    await register();
    await share.putCheckpoint(origin, due.size, due.note);
    if (note === due) note = undefined;
  };

  const run = async (): Promise<void> => {
    try {
      do {
        dirty = false;
        await deliver();
      } while (dirty);
    } catch (error) {
      if (error instanceof ForeignRecord) {
        foreign ??= `${error.message} Nothing is recorded any more: begin with a new data folder, and keep this one for whoever looks into it.`;
        fault(foreign, error);
      } else if (share.fault() === undefined) fault("Records cannot be shared now; they are tried again.", error);
      giveUp();
    }
  };

  const kick = (): void => {
    dirty = true;
    if (closed || foreign !== undefined) {
      giveUp();
      return;
    }
    running ??= run().finally(() => {
      running = undefined;
    });
  };

  const isShared = (seq: number): Promise<boolean> => {
    if (delivered !== undefined && delivered >= seq) return Promise.resolve(true);
    const behind = delivered !== undefined && seq - delivered > farBehind;
    if (share.fault() !== undefined || foreign !== undefined || behind) {
      kick();
      return Promise.resolve(false);
    }
    return new Promise((resolve) => {
      const waiter = {
        seq,
        end(shared: boolean) {
          clearTimeout(timer);
          waiting.delete(waiter);
          resolve(shared);
        },
      };
      const timer = setTimeout(() => waiter.end(false), waitMs);
      waiting.add(waiter);
      kick();
    });
  };

  // Records of other processes on this data folder, and what waits since the share was away.
  const timer = setInterval(kick, againMs).unref();
  const away = (): string | undefined =>
    whenAway === "refuse" && share.fault() !== undefined ? "The shared audit is away." : undefined;

  const flush = async (ms: number): Promise<boolean> => {
    const last = (await local.head())?.seq ?? 0;
    const end = performance.now() + ms;
    while ((delivered ?? -1) < last || note !== undefined) {
      if (performance.now() > end || foreign !== undefined) return false;
      kick();
      await Promise.race([running, new Promise((resolve) => setTimeout(resolve, 50))]);
      if (share.fault() !== undefined) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return true;
  };

  return {
    async append(entry) {
      const refused = foreign ?? away();
      if (refused !== undefined) throw new Error(refused);
      const stored = await local.append(entry);
      appended = Math.max(appended, stored.seq);
      if (await isShared(stored.seq)) return stored;
      if (whenAway === "spool" && foreign === undefined) {
        await sync();
        return stored;
      }
      // It is in the chain, and whoever waited for it is refused: what it announced was not done.
      const late = entry.late?.();
      if (late) await local.append(late).catch(() => {});
      throw new Error(foreign ?? "The shared audit did not take the record in time.");
    },
    read: (after, limit) => local.read(after, limit),
    find: (id) => local.find(id),
    head: () => local.head(),
    fault: () => foreign ?? local.fault() ?? away(),
    depth: () => local.depth(),
    checkpoint(next) {
      note = next;
    },
    warning() {
      const spooled = delivered === undefined ? appended : appended - delivered;
      return share.fault() === undefined || spooled <= 0
        ? undefined
        : `${spooled} records of the audit wait on this replica's disk to be shared.`;
    },
    flush,
    async close() {
      await flush(closeMs);
      await local.close();
      // Closing has signed a last checkpoint over what is shared by now.
      const last = note;
      closed = true;
      clearInterval(timer);
      await running;
      if (last && delivered !== undefined && last.size <= delivered)
        await share.putCheckpoint(origin, last.size, last.note).catch(() => {});
    },
  };
}

const closeMs = 3_000;
