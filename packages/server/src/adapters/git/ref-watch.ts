import { stat } from "node:fs/promises";

/** Tells that a branch may have moved. */
export interface RefWatch {
  /** The answer ends it. */
  follow(place: RefPlace, moved: () => void): () => void;
  stop(): void;
}

export interface RefPlace {
  /** The repository's own git folder, and the one with the refs when that is another one. */
  readonly gitDir: string;
  readonly commonDir: string;
  /** A full name such as refs/heads/main, or HEAD. */
  readonly ref: string;
}

interface Followed {
  readonly files: readonly string[];
  readonly followers: Set<() => void>;
  stamp: string | undefined;
}

/** How often it is looked whether a branch has moved, in ms. */
const everyMs = 400;

/**
 * Looks at the stamps of the files that a ref may be kept in (gitrepository-layout(5)); nothing of them is read. Whoever follows the same ref shares
 * the look.
 */
export function createRefWatch(): RefWatch {
  const followed = new Map<string, Followed>();
  let timer: NodeJS.Timeout | undefined;
  let looking = false;

  const look = async (): Promise<void> => {
    for (const entry of followed.values()) {
      const stamp = await stampOf(entry.files);
      if (entry.stamp === stamp) continue;
      const first = entry.stamp === undefined;
      entry.stamp = stamp;
      if (!first) for (const moved of entry.followers) moved();
    }
  };
  const beat = (): void => {
    if (looking) return;
    looking = true;
    void look().finally(() => {
      looking = false;
    });
  };
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
  };

  return {
    follow({ gitDir, commonDir, ref }, moved) {
      const key = `${gitDir}\0${ref}`;
      const files = [
        ...[`${gitDir}/HEAD`, `${gitDir}/${ref}`, `${commonDir}/${ref}`],
        ...[`${commonDir}/packed-refs`, `${commonDir}/reftable/tables.list`, `${gitDir}/logs/HEAD`],
      ];
      const entry = followed.get(key) ?? { files, followers: new Set(), stamp: undefined };
      followed.set(key, entry);
      // What moved between the subscription and the first stamp counts too.
      if (entry.followers.size === 0) entry.stamp = "";
      entry.followers.add(moved);
      timer ??= setInterval(beat, everyMs).unref();
      return () => {
        entry.followers.delete(moved);
        if (entry.followers.size === 0) followed.delete(key);
        if (followed.size === 0) stop();
      };
    },
    stop() {
      followed.clear();
      stop();
    },
  };
}

async function stampOf(files: readonly string[]): Promise<string> {
  const stamps = await Promise.all(files.map((file) => stat(file, { bigint: true }).catch(() => undefined)));
  return stamps.map((found) => (found ? `${found.mtimeNs} ${found.size} ${found.ino}` : "-")).join();
}
