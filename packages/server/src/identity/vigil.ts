import type { Caller, Credential } from "../pipeline/arrival.ts";

/** Watches over what stays open on the strength of a credential: connections, streams, calls that run. */
export interface Vigil {
  /**
   * Calls `ended` once, as soon as the credential is found to be good no more: at its end, or within a second after it, its token or its grant
   * was revoked by whichever process. The answer ends the watch.
   */
  watch(credential: Credential, ended: () => void): () => void;
  /** Looks at everything with the next beat: this process itself has ended a credential before its time. */
  recheck(): void;
  stop(): void;
}

export interface VigilOptions {
  readonly identify: (credential: Credential) => Promise<Caller | undefined>;
  /** Differs after anything was written by which a credential may have ended before its time. */
  readonly version: () => Promise<unknown>;
  readonly now: () => number;
  readonly fault: (error: unknown) => void;
  readonly everyMs?: number;
}

interface Watched {
  readonly credential: Credential;
  readonly ended: () => void;
  /** When to look again though nothing was written, in milliseconds since the epoch. */
  endsAt: number;
}

/** Credentials that are looked at before anything else has its turn. */
const slice = 100;

const breath = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One timer for all: as long as nothing was written it only compares numbers, however many connections are open. */
export function createVigil({ identify, version, now, fault, everyMs = 250 }: VigilOptions): Vigil {
  const watched = new Set<Watched>();
  let seen: unknown;
  let timer: NodeJS.Timeout | undefined;
  let looking = false;
  let asked = false;

  const look = async (entry: Watched): Promise<void> => {
    const caller = await identify(entry.credential);
    if (caller) entry.endsAt = caller.endsAt ?? Number.POSITIVE_INFINITY;
    else if (watched.delete(entry)) entry.ended();
  };

  const lookAtAll = async (): Promise<void> => {
    const current = await version();
    const changed = current !== seen || asked;
    asked = false;
    const at = now();
    let looked = 0;
    for (const entry of watched) {
      if (!changed && entry.endsAt > at) continue;
      if (++looked % slice === 0) await breath();
      await look(entry);
    }
    // Only now: when a look has failed, everything is looked at again.
    seen = current;
  };

  const beat = (): void => {
    if (looking) return;
    if (watched.size === 0) {
      stop();
      return;
    }
    looking = true;
    lookAtAll()
      .catch(fault)
      .finally(() => {
        looking = false;
      });
  };

  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
  };

  return {
    watch(credential, ended) {
      // It may have ended since it was shown: the first beat looks.
      const entry: Watched = { credential, ended, endsAt: Number.NEGATIVE_INFINITY };
      watched.add(entry);
      timer ??= setInterval(beat, everyMs).unref();
      return () => void watched.delete(entry);
    },
    recheck() {
      asked = true;
    },
    stop,
  };
}
