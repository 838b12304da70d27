/** How far the work at hand has come. `done` and `total` count files since there was last nothing to do. */
export interface Progress {
  /** `walking` until every folder has been walked once, `indexing` while files wait, else `following`. */
  readonly state: "walking" | "indexing" | "following";
  readonly done: number;
  readonly total: number;
  /** Files a second; 0 while nothing is being done. */
  readonly ratePerSecond: number;
  /** Undefined while it cannot be told. */
  readonly secondsLeft?: number;
}

export interface Taken<T> {
  readonly owner: T;
  readonly path: string;
  /** It is dealt with. Only the first of `done` and `again` counts. */
  done(): void;
  /** It has to be taken once more. */
  again(): void;
}

/** Paths to examine, each waiting at most once; what has just changed goes before what a walk has found. */
export interface WorkQueue<T> {
  add(owner: T, path: string, when: "now" | "later"): void;
  /** Waits until there is something and takes it, at most `most`. Gives nothing when `signal` fires. */
  take(signal: AbortSignal, most: number): Promise<readonly Taken<T>[]>;
  pending(): readonly { readonly owner: T; readonly path: string }[];
  /** While held, the queue counts as walking and not idle. */
  hold(): void;
  release(): void;
  /** Resolves once nothing waits, nothing is being worked on and nothing is held. */
  idle(): Promise<void>;
  progress(): Progress;
  /** Lets those go who wait for idleness. */
  end(): void;
}

type Waiting<T> = Map<T, Set<string>>;

export function createWorkQueue<T>(now: () => number): WorkQueue<T> {
  const urgent: Waiting<T> = new Map();
  const backlog: Waiting<T> = new Map();
  const working = new Set<Taken<T>>();
  let waiting = 0;
  let held = 0;
  let round = { done: 0, since: 0 };
  let wake: (() => void) | undefined;
  let idlers: (() => void)[] = [];

  const isIdle = (): boolean => waiting === 0 && working.size === 0 && held === 0;
  const settle = (): void => {
    if (!isIdle()) return;
    round = { done: 0, since: 0 };
    const woken = idlers;
    idlers = [];
    for (const resolve of woken) resolve();
  };

  const add: WorkQueue<T>["add"] = (owner, path, when) => {
    if (urgent.get(owner)?.has(path)) return;
    if (backlog.get(owner)?.has(path)) {
      if (when === "later") return;
      backlog.get(owner)?.delete(path);
      waiting--;
    }
    const into = when === "now" ? urgent : backlog;
    const paths = into.get(owner) ?? new Set();
    paths.add(path);
    into.set(owner, paths);
    waiting++;
    if (round.since === 0) round.since = now();
    wake?.();
  };

  const takeOne = (): Taken<T> | undefined => {
    for (const from of [urgent, backlog]) {
      for (const [owner, paths] of from) {
        for (const path of paths) {
          paths.delete(path);
          waiting--;
          const taken: Taken<T> = {
            owner,
            path,
            done() {
              if (!working.delete(taken)) return;
              round.done++;
              settle();
            },
            again() {
              if (!working.delete(taken)) return;
              add(owner, path, from === urgent ? "now" : "later");
            },
          };
          working.add(taken);
          return taken;
        }
      }
    }
    return undefined;
  };

  return {
    add,
    async take(signal, most) {
      while (waiting === 0 && !signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        signal.addEventListener("abort", resolve as () => void, { once: true });
        await promise;
        signal.removeEventListener("abort", resolve as () => void);
        wake = undefined;
      }
      const taken: Taken<T>[] = [];
      for (let one = takeOne(); one; one = taken.length < most ? takeOne() : undefined) taken.push(one);
      return signal.aborted ? [] : taken;
    },
    pending: () => [
      ...[urgent, backlog].flatMap((from) =>
        [...from].flatMap(([owner, paths]) => [...paths].map((path) => ({ owner, path }))),
      ),
      ...[...working].map(({ owner, path }) => ({ owner, path })),
    ],
    hold: () => {
      held++;
    },
    release: () => {
      held--;
      settle();
    },
    idle: () => (isIdle() ? Promise.resolve() : new Promise((resolve) => idlers.push(resolve))),
    progress() {
      const left = waiting + working.size;
      const seconds = (now() - round.since) / 1_000;
      const ratePerSecond = round.done > 0 && seconds > 0 ? round.done / seconds : 0;
      return {
        state: held > 0 ? "walking" : left > 0 ? "indexing" : "following",
        done: round.done,
        total: round.done + left,
        ratePerSecond,
        ...(left === 0 ? { secondsLeft: 0 } : ratePerSecond > 0 && { secondsLeft: left / ratePerSecond }),
      };
    },
    end() {
      const woken = idlers;
      idlers = [];
      for (const resolve of woken) resolve();
    },
  };
}
