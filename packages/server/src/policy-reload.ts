import { setImmediate } from "node:timers/promises";
import { compileParsed, emptyPolicy, type Policy } from "./policy/compile.ts";
import type { CompileOptions } from "./policy/compile-scope.ts";
import { type Fault, toLine } from "./policy/fault.ts";
import type { Steps } from "./policy/steps.ts";
import { check, createPolicyParser, isSmall, within } from "./policy-parser.ts";
import { withFileSystems } from "./policy-places.ts";
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
  /** How long one reading of the store may take, and how long the parsing of what was read. */
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
  const parse = createPolicyParser();

  const load = async (): Promise<void> => {
    try {
      const reading = within(store.read(), readMs, "read");
      const [sources, options] = await Promise.all([reading, withFileSystems(compile())]);
      const files = await parse(sources, readMs);
      const compiled = files && (await inSlices(compileParsed(files, options)));
      if (compiled?.policy) {
        await inSlices(compiled.policy.prepare(policy.asked()), prepareMs);
        // Of a file that was parsed in a thread, only the places of scopes are known here.
        const exact = compiled.warnings.length === 0 || isSmall(sources);
        ({ faults, warnings } = exact ? compiled : await check(sources, options, readMs));
        return adopt(compiled.policy);
      }
      ({ faults, warnings } = compiled && isSmall(sources) ? compiled : await check(sources, options, readMs));
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

/** The longest that compiling goes on without letting other work have its turn. */
const sliceMs = 10;
/** The longest that a good policy waits for its indexes; what is not ready by then is made when it is asked for. */
const prepareMs = 200;

/** Does work in slices between which the event loop turns; undefined when it was given up after `mostMs`. */
async function inSlices<T>(steps: Steps<T>, mostMs = Infinity): Promise<T | undefined> {
  const end = performance.now() + mostMs;
  for (let from = performance.now(); ; ) {
    const step = steps.next();
    if (step.done) return step.value;
    const now = performance.now();
    if (now > end) return undefined;
    if (now - from < sliceMs) continue;
    await setImmediate();
    from = performance.now();
  }
}
