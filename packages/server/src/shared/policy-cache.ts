import { hash } from "node:crypto";
import { open, readFile, rename, utimes } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { EngineAway } from "../stores/engine.ts";
import type { PublishedPolicy } from "../stores/published-policy.ts";
import type { PolicySource, PolicyStore } from "../stores/store.ts";

export interface SharedPolicyOptions {
  readonly store: PublishedPolicy;
  /** The file that keeps the last set for when the database is away. */
  readonly path: string;
  /** How old, in ms, what the database last confirmed may be. */
  readonly maxAgeMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface SharedPolicy extends PolicyStore {
  /** Why no policy may be asked any more; undefined while one may. */
  refusal(): string | undefined;
  /** That the set is an older one, from the disk. */
  warning(): string | undefined;
}

const pollMs = 200;
/** How exactly, in ms, the moment of the last confirmation is kept on the disk. */
const stampMs = 5_000;

interface Cached {
  readonly sources: readonly PolicySource[];
  readonly sha256: string;
}

/**
 * The policies that all replicas share, polled. The last set is kept on the disk, with the time when the database last said that it is the
 * newest: a replica starts and goes on with it while the database is away, up to an age that the owner sets.
 */
export function createSharedPolicy({ store, path, maxAgeMs, now }: SharedPolicyOptions): SharedPolicy {
  // On a clock that no step of the system's turns back.
  let confirmedAt: number | undefined;
  let stampedAt = Number.NEGATIVE_INFINITY;
  let seen: number | undefined;
  let kept = "";
  let fromDisk = false;

  const confirm = async (): Promise<void> => {
    confirmedAt = performance.now();
    fromDisk = false;
    if (kept === "" || confirmedAt - stampedAt < stampMs) return;
    stampedAt = confirmedAt;
    const at = new Date(now());
    await utimes(path, at, at).catch(() => {});
  };

  const keep = async (sources: readonly PolicySource[]): Promise<void> => {
    const sha256 = digest(sources);
    if (sha256 === kept) return;
    const file = await open(`${path}.new`, "w", 0o600);
    try {
      await file.writeFile(JSON.stringify({ sources, sha256 } satisfies Cached));
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
    kept = sha256;
    stampedAt = performance.now();
  };

  /** What the disk has, and how long ago it was the newest. */
  const recall = async (): Promise<readonly PolicySource[]> => {
    const file = await open(path, "r").catch(() => undefined);
    if (!file) throw new Error("nothing was cached yet");
    try {
      const { mtimeMs } = await file.stat();
      // A time in the future was written by a clock that was put back since: then the age is not known to be less.
      const age = Math.abs(now() - mtimeMs);
      if (confirmedAt === undefined && age > maxAgeMs)
        throw new Error(`what is cached is ${Math.round(age / 1_000)} s old, and ${maxAgeMs / 1_000} s are allowed`);
      const { sources, sha256 } = JSON.parse(await readFile(path, "utf8")) as Cached;
      if (digest(sources) !== sha256) throw new Error("what is cached is damaged");
      confirmedAt ??= performance.now() - age;
      kept = sha256;
      return sources;
    } finally {
      await file.close();
    }
  };

  return {
    async read() {
      try {
        const version = await store.version();
        const sources = await store.read();
        seen ??= version;
        await keep(sources);
        await confirm();
        return sources;
      } catch (error) {
        if (!(error instanceof EngineAway)) throw error;
        try {
          const sources = await recall();
          fromDisk = true;
          return sources;
        } catch (why) {
          throw new Error(`The shared policies cannot be read (${error.message}), and ${(why as Error).message}.`);
        }
      }
    },
    async watch(changed) {
      const ending = new AbortController();
      const look = async (): Promise<void> => {
        const version = await store.version();
        await confirm();
        if (version === seen) return;
        seen = version;
        changed();
      };
      const run = async (): Promise<void> => {
        while (!ending.signal.aborted) {
          // A database that is away is told of elsewhere; here only time goes by.
          await look().catch(() => {});
          await setTimeout(pollMs, undefined, { signal: ending.signal, ref: false }).catch(() => {});
        }
      };
      const running = run();
      return async () => {
        ending.abort();
        await running;
      };
    },
    refusal() {
      if (confirmedAt === undefined || performance.now() - confirmedAt <= maxAgeMs) return undefined;
      return `The policies have not been confirmed by their database for more than ${maxAgeMs / 1_000} s.`;
    },
    warning: () => (fromDisk ? "The policies are those of this replica's disk: their database is away." : undefined),
  };
}

const digest = (sources: readonly PolicySource[]): string =>
  hash("sha256", JSON.stringify(sources.map(({ path, text }) => [path, text])));
