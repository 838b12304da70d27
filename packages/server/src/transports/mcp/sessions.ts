/** Something that is kept for a client between its requests. */
export interface Session {
  /** Whether a call runs in it: such a session is never ended to make room. */
  isBusy(): boolean;
  /** Whether its client is connected to it right now, so that silence does not mean that it has gone. */
  isOpen(): boolean;
  close(): Promise<void>;
}

export interface SessionLimits {
  readonly total: number;
  readonly perGrant: number;
  /** A session that nobody has used for so long (ms) is ended: clients do not say goodbye. */
  readonly idleMs: number;
  /** And whatever it did, after so long (ms). */
  readonly lifetimeMs: number;
}

export const sessionLimits: SessionLimits = {
  total: 1_024,
  perGrant: 64,
  idleMs: 30 * 60_000,
  lifetimeMs: 24 * 60 * 60_000,
};

interface Kept<S> {
  readonly session: S;
  readonly grant: string;
  readonly since: number;
  usedAt: number;
}

/** The sessions of one door, each bound to the grant that opened it. */
export interface Sessions<S extends Session> {
  /** False when there is no room, since every session of this grant (or of all) has a call running. */
  add(id: string, grant: string, session: S): boolean;
  /** The session of that id if this grant opened it; another grant's is as good as none. */
  find(id: string, grant: string): S | undefined;
  remove(id: string): void;
  readonly size: number;
  closeAll(): Promise<void>;
}

export function createSessions<S extends Session>(
  now: () => number,
  limits: SessionLimits = sessionLimits,
): Sessions<S> {
  // In the order of last use, the longest unused first.
  const kept = new Map<string, Kept<S>>();
  let sweeper: NodeJS.Timeout | undefined;

  const end = (id: string): void => {
    const found = kept.get(id);
    kept.delete(id);
    if (kept.size === 0) {
      clearInterval(sweeper);
      sweeper = undefined;
    }
    found?.session.close().catch(() => {});
  };

  const sweep = (): void => {
    const time = now();
    for (const [id, { session, usedAt, since }] of kept) {
      const idle = time - usedAt > limits.idleMs && !session.isOpen();
      if ((idle || time - since > limits.lifetimeMs) && !session.isBusy()) end(id);
    }
  };

  const makeRoom = (grant: string): boolean => {
    const own = [...kept].filter(([, entry]) => entry.grant === grant);
    if (own.length < limits.perGrant && kept.size < limits.total) return true;
    // A grant over its own limit gives up its own sessions; only a full house makes it take another's.
    const candidates = own.length >= limits.perGrant ? own : [...kept];
    const idle = candidates.find(([, { session }]) => !session.isBusy());
    if (!idle) return false;
    end(idle[0]);
    return true;
  };

  return {
    add(id, grant, session) {
      sweep();
      if (!makeRoom(grant)) return false;
      kept.set(id, { session, grant, since: now(), usedAt: now() });
      sweeper ??= setInterval(sweep, Math.min(60_000, limits.idleMs)).unref();
      return true;
    },
    find(id, grant) {
      const found = kept.get(id);
      if (!found || found.grant !== grant) return undefined;
      found.usedAt = now();
      kept.delete(id);
      kept.set(id, found);
      return found.session;
    },
    remove: end,
    get size() {
      return kept.size;
    },
    async closeAll() {
      const all = [...kept.values()];
      kept.clear();
      clearInterval(sweeper);
      sweeper = undefined;
      await Promise.allSettled(all.map(({ session }) => session.close()));
    },
  };
}
