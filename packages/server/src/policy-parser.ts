import { availableParallelism } from "node:os";
import type { CompileOptions } from "./policy/compile-scope.ts";
import type { Fault } from "./policy/fault.ts";
import { parsePolicy } from "./policy/parse.ts";
import { type ParseThread, type PolicyFile, startChecking, startParsing } from "./policy-parse-thread.ts";
import type { PolicySource } from "./stores/store.ts";

/** Fewer characters together are parsed where they are: a thread of their own would cost more. */
const small = 16_384;
/** Threads that parse at once; with more, a fleet on one machine would be felt. */
const mostThreads = 4;

const lengthOf = (sources: readonly PolicySource[]): number => sources.reduce((sum, { text }) => sum + text.length, 0);

/** Whether a set is parsed without a thread, and so with the place of everything in it. */
export const isSmall = (sources: readonly PolicySource[]): boolean => lengthOf(sources) < small;

/**
 * Parses sets of policy files without holding up other work, each file once for as long as its text stays the same. The answer is undefined for a
 * large set with faults of form: `check` tells them.
 */
export function createPolicyParser() {
  let known = new Map<string, { readonly text: string; readonly file: PolicyFile }>();

  return async (sources: readonly PolicySource[], withinMs: number): Promise<readonly PolicyFile[] | undefined> => {
    if (isSmall(sources)) {
      known = new Map();
      return sources.map(parsePolicy);
    }
    const fresh = sources.filter(({ path, text }) => known.get(path)?.text !== text);
    const parsed = isSmall(fresh) ? fresh.map(parsePolicy) : await parseAside(fresh, withinMs);
    if (!parsed || parsed.some(({ faults }) => faults.length > 0)) return undefined;
    const made = new Map(parsed.map((file) => [file.path, file]));
    const next = new Map<string, { readonly text: string; readonly file: PolicyFile }>();
    for (const { path, text } of sources) {
      const file = made.get(path) ?? known.get(path)?.file;
      if (file) next.set(path, { text, file });
    }
    known = next;
    return sources.flatMap(({ path }) => next.get(path)?.file ?? []);
  };
}

/** Parses files in as many threads as there are processors for them. */
async function parseAside(sources: readonly PolicySource[], withinMs: number): Promise<PolicyFile[] | undefined> {
  const lanes: PolicySource[][] = Array.from(
    { length: Math.min(mostThreads, availableParallelism(), sources.length) },
    () => [],
  );
  // The longest first, each to the lane that has least to do.
  for (const source of sources.toSorted((a, b) => b.text.length - a.text.length))
    lanes.reduce((least, lane) => (lengthOf(lane) < lengthOf(least) ? lane : least)).push(source);
  const threads = lanes.map(startParsing);
  const parts = await finish(threads, withinMs, "parsed");
  return parts.includes(undefined) ? undefined : parts.flatMap((files) => files ?? []);
}

/** All that is wrong or odd with a large set, each at its exact place. */
export async function check(
  sources: readonly PolicySource[],
  options: CompileOptions,
  withinMs: number,
): Promise<{ readonly faults: readonly Fault[]; readonly warnings: readonly Fault[] }> {
  const [told = { faults: [], warnings: [] }] = await finish([startChecking(sources, options)], withinMs, "checked");
  return told;
}

async function finish<T>(threads: readonly ParseThread<T>[], withinMs: number, what: string): Promise<T[]> {
  try {
    return await within(Promise.all(threads.map(({ result }) => result)), withinMs, what);
  } finally {
    await Promise.all(threads.map(({ stop }) => stop()));
  }
}

/** Gives work up as a fault when it takes longer. */
export async function within<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`The policies could not be ${what} within ${ms} ms.`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
