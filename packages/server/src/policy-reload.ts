import { compilePolicy, emptyPolicy, type Policy } from "./policy/compile.ts";
import type { CompileOptions } from "./policy/compile-scope.ts";
import { type Fault, toLine } from "./policy/fault.ts";
import type { PolicyStore } from "./stores/store.ts";

export interface LivePolicy {
  /** The policy in force: the last set without a fault, or one that denies everything when there never was one. */
  current(): Policy;
  /** What is wrong with the set as it is stored now; empty when it is the one in force. */
  faults(): readonly Fault[];
  warnings(): readonly Fault[];
  /** Reads the set and, if it is without fault, puts it in force at once; resolves when that is done. Never rejects. */
  reload(): Promise<void>;
  /** Ends the watch. */
  stop(): Promise<void>;
}

interface Log {
  info(facts: Readonly<Record<string, unknown>>, message: string): void;
  error(facts: Readonly<Record<string, unknown>>, message: string): void;
}

interface Options {
  readonly store: PolicyStore;
  /** Asked at each reload, since tools and folders may change. */
  readonly compile: () => CompileOptions;
  readonly log: Log;
  /** How long one reading of the store may take. */
  readonly readMs?: number;
}

/**
 * Keeps the policy in force in step with its store. A set with any fault never takes effect: the last good one stays, whatever happens to the
 * store. Calls that run keep the policy that they asked for; the next ones see the new one.
 */
export async function createLivePolicy({ store, compile, log, readMs = 10_000 }: Options): Promise<LivePolicy> {
  let policy = emptyPolicy();
  let good = false;
  let faults: readonly Fault[] = [];
  let warnings: readonly Fault[] = [];

  const load = async (): Promise<void> => {
    try {
      const compiled = compilePolicy(await within(store.read(), readMs), compile());
      faults = compiled.faults;
      warnings = compiled.warnings;
      if (compiled.policy) return adopt(compiled.policy);
    } catch (error) {
      const { path, message } = error as Error & { readonly path?: string };
      faults = [{ path: path ?? "policies", line: 1, column: 1, message }];
    }
    const stands = good ? "The last good policy stays in force." : "There is no good policy yet: everything is denied.";
    log.error({ faults: faults.map(toLine) }, `The policy has a fault. ${stands}`);
  };

  const adopt = (next: Policy): void => {
    const changed = !good || next.hash !== policy.hash;
    // Even with the same hash, files and lines may have moved, and refusals name them.
    policy = next;
    good = true;
    if (!changed) return;
    log.info(
      { hash: next.hash, documents: next.documents, scopes: next.scopes, notes: warnings.map(toLine) },
      "The policy is in force.",
    );
  };

  // One reading at a time, and one more after it when something changed meanwhile.
  let running: Promise<void> | undefined;
  let waiting: Promise<void> | undefined;
  const start = (): Promise<void> => {
    running = load().finally(() => {
      running = undefined;
    });
    return running;
  };
  const reload = (): Promise<void> => {
    if (running === undefined) return start();
    waiting ??= running.then(() => {
      waiting = undefined;
      return start();
    });
    return waiting;
  };

  const unwatch = await store.watch(() => void reload());
  await reload();
  return {
    current: () => policy,
    faults: () => faults,
    warnings: () => warnings,
    reload,
    stop: async () => {
      await unwatch();
      await (waiting ?? running);
    },
  };
}

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`The policies could not be read within ${ms} ms.`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
