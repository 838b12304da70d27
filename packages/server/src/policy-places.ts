import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import type { CompileOptions } from "./policy/compile-scope.ts";

/** Names looked at in a folder before its system's habit is taken for its own. */
const mostNames = 200;
/** A mount that does not answer must not hold up a policy. */
const patienceMs = 2_000;

/** The options with those folders marked below which letter case does not count. Never rejects. */
export async function withFileSystems(options: CompileOptions): Promise<CompileOptions> {
  const places = [...new Set(["/", options.home, ...options.served.map(({ path }) => path || "/")])];
  const found = await Promise.all(places.map(async (path) => ((await ignoresCase(path)) ? [path] : [])));
  return { ...options, caseless: found.flat() };
}

/** As much of a file system as has to be asked. */
export interface FileSystem {
  readonly platform: NodeJS.Platform;
  names(folder: string): AsyncIterable<{ readonly name: string }>;
  /** Undefined when there is nothing. */
  find(path: string): Promise<Found | undefined>;
}

interface Found {
  readonly ino: bigint;
  readonly dev: bigint;
  readonly nlink: bigint;
  isDirectory(): boolean;
}

const disk: FileSystem = {
  platform: process.platform,
  async *names(folder) {
    yield* await opendir(folder);
  },
  find: (path) =>
    lstat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    }),
};

/**
 * Whether a folder's file system takes names that differ in letter case for one: it is asked for a name of its own in the other case. Where no name tells,
 * the system's habit counts. Never rejects.
 */
export async function ignoresCase(folder: string, system: FileSystem = disk): Promise<boolean> {
  const habit = system.platform === "darwin" || system.platform === "win32";
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patienceMs);
  });
  try {
    return (await Promise.race([ask(folder, system), late])) ?? habit;
  } catch {
    return habit;
  } finally {
    clearTimeout(timer);
  }
}

async function ask(folder: string, system: FileSystem): Promise<boolean | undefined> {
  let names = 0;
  for await (const { name } of system.names(folder)) {
    const answer = await sameInOtherCase(folder, name, system);
    if (answer !== undefined || ++names >= mostNames) return answer;
  }
  return undefined;
}

/** Undefined when the name tells nothing: it has no letters, or it may be one of several names of a file. */
async function sameInOtherCase(folder: string, name: string, { find }: FileSystem): Promise<boolean | undefined> {
  const other = name === name.toUpperCase() ? name.toLowerCase() : name.toUpperCase();
  if (other === name || other.length !== name.length) return undefined;
  const [its, others] = await Promise.all([find(join(folder, name)), find(join(folder, other))]);
  if (its === undefined) return undefined;
  if (others === undefined || its.ino !== others.ino || its.dev !== others.dev) return false;
  return its.isDirectory() || its.nlink === 1n ? true : undefined;
}
