import { constants } from "node:fs";
import { type FileHandle, lstat, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { PolicySource, PolicyStore } from "../store.ts";

/** What cannot be read is a fault of the whole set: half of a policy would be another policy. */
export class PolicyFolderError extends Error {
  /** The file or folder that it is about. */
  readonly path: string;

  constructor(path: string, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.name = "PolicyFolderError";
    this.path = path;
  }
}

const maxFiles = 1_000;
const maxFileBytes = 1_048_576;
const maxLength = 33_554_432;
const maxAttempts = 10;
const pollMs = 200;
const settleMs = 40;

const isPolicyFile = (name: string): boolean => /\.ya?ml$/.test(name) && !name.startsWith(".");

/**
 * Policies as the `.yaml` and `.yml` files of one folder, in the order of their names; files that begin with a dot are editors'. The folder is polled
 * rather than watched: that sees renames over a file, replaced links, network mounts and a folder that goes and comes back, which
 * notifications each miss somewhere.
 */
export function createPolicyFolder(folder: string): PolicyStore {
  return {
    read: () => readAll(folder),
    watch: (changed) => watch(folder, changed),
  };
}

/** Reads until nothing has moved meanwhile: a set of which a file is just being replaced is a set that nobody wrote. */
async function readAll(folder: string): Promise<readonly PolicySource[]> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    if (attempt > 0) await setTimeout(settleMs);
    const before = await look(folder);
    const sources = await readOnce(folder);
    if (sources !== undefined && isSame(before, await look(folder))) return sources;
  }
  throw new PolicyFolderError(folder, "The policy files change faster than they can be read.");
}

/** Undefined when a file went away since it was listed. */
async function readOnce(folder: string): Promise<readonly PolicySource[] | undefined> {
  const sources: PolicySource[] = [];
  let length = 0;
  for (const name of await list(folder)) {
    const path = join(folder, name);
    const text = await readText(path);
    if (text === undefined) return undefined;
    length += text.length;
    if (length > maxLength)
      throw new PolicyFolderError(folder, `The policy files hold more than ${maxLength} characters together.`);
    sources.push({ path, text });
  }
  return sources;
}

async function list(folder: string): Promise<readonly string[]> {
  let names: readonly string[];
  try {
    names = (await readdir(folder)).filter(isPolicyFile).sort();
  } catch (error) {
    throw new PolicyFolderError(folder, `The policy folder cannot be read: ${reasonOf(error)}.`, { cause: error });
  }
  if (names.length <= maxFiles) return names;
  throw new PolicyFolderError(folder, `The policy folder holds more than ${maxFiles} policy files.`);
}

/** A file's text; undefined when it went away since it was listed, as when an editor replaces it. */
async function readText(path: string): Promise<string | undefined> {
  let file: FileHandle | undefined;
  try {
    // Without NONBLOCK, opening a FIFO would wait for a writer that never comes.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const facts = await file.stat();
    if (!facts.isFile()) throw new PolicyFolderError(path, "A policy has to be a regular file.");
    const buffer = Buffer.alloc(maxFileBytes + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read)
      read = (await file.read(buffer, length, buffer.length - length, length)).bytesRead;
    if (length > maxFileBytes)
      throw new PolicyFolderError(path, `A policy file may have ${maxFileBytes} bytes at most.`);
    return new TextDecoder("utf-8", { fatal: true }).decode(buffer.subarray(0, length));
  } catch (error) {
    if (error instanceof PolicyFolderError) throw error;
    if ((error as NodeJS.ErrnoException).code === "ENOENT" && !(await isLink(path))) return undefined;
    const reason = error instanceof TypeError ? "it is not UTF-8" : reasonOf(error);
    throw new PolicyFolderError(path, `The policy file cannot be read: ${reason}.`, { cause: error });
  } finally {
    await file?.close();
  }
}

/** Whether the name is still there, which after ENOENT means a link that leads nowhere. */
async function isLink(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: "there is nothing there",
    ENOTDIR: "it is no folder",
    EACCES: "the server's user may not read it",
    EPERM: "the server's user may not read it",
    ELOOP: "its links run in circles",
  };
  return reasons[code ?? ""] ?? message;
}

/** Calls `changed` when the policy files look different and the folder has come to rest: until then, nobody has written a policy. */
async function watch(folder: string, changed: () => void): Promise<() => Promise<void>> {
  const stopping = new AbortController();
  const { signal } = stopping;
  let known = await look(folder);
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      await pause(pollMs, signal);
      let seen = await look(folder);
      if (seen.files === known.files) continue;
      for (let rests = false; !rests && !signal.aborted; ) {
        await pause(settleMs, signal);
        const next = await look(folder);
        rests = isSame(seen, next);
        seen = next;
      }
      const differs = seen.files !== known.files;
      known = seen;
      if (differs && !signal.aborted) changed();
    }
  };
  const running = run();
  return async () => {
    stopping.abort();
    await running;
  };
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  setTimeout(ms, undefined, { signal, ref: false }).catch(() => undefined);

/** How things look from outside: the policy files, and the folder, which changes with each name that comes or goes. */
interface Look {
  readonly files: string;
  readonly folder: string;
}

const isSame = (a: Look, b: Look): boolean => a.files === b.files && a.folder === b.folder;

/** A folder that cannot be read looks like its error. Never rejects. */
async function look(folder: string): Promise<Look> {
  const its = await fingerprint(folder);
  try {
    const names = await list(folder);
    const prints = await Promise.all(names.map((name) => fingerprint(join(folder, name))));
    return { files: names.map((name, index) => `${name}\u0000${prints[index]}`).join("\n"), folder: its };
  } catch (error) {
    return { files: `error ${(error as Error).message}`, folder: its };
  }
}

const fingerprint = (path: string): Promise<string> =>
  stat(path, { bigint: true }).then(
    ({ ino, size, mtimeNs, ctimeNs, mode }) => `${ino} ${size} ${mtimeNs} ${ctimeNs} ${mode}`,
    (error: NodeJS.ErrnoException) => error.code ?? "error",
  );
