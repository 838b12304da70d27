import { existsSync } from "node:fs";
import { mkdir, open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { commitCheckpoint, readCheckpoints, runWitnessGit } from "./witness-git.ts";

/** Where checkpoints are taken to, out of reach of whoever can write the log: a folder on another disk, a git repository elsewhere. */
export interface WitnessOptions {
  readonly folder: string;
  /** A git remote: a path or a URL. */
  readonly git: string;
  /** The branch that is pushed to. */
  readonly branch: string;
  /** How long, in ms, between two pushes. */
  readonly everyMs: number;
  /** Names the log among others that the folder may hold. */
  readonly name: string;
  /** The repository that is pushed from, made when it is not there. */
  readonly repository: string;
  log(message: string, error: unknown): void;
}

export interface Witness {
  /** Takes a checkpoint; never rejects, never waits. */
  give(note: string, size: number): void;
  /** Why the newest checkpoint could not be handed over; undefined while all is well. */
  fault(): string | undefined;
  /** Hands over the newest checkpoint, within `ms`. */
  close(ms: number): Promise<void>;
}

/** How long a folder may take: a disk that hangs is told, not waited for. */
const folderMs = 10_000;

export function createWitness(options: WitnessOptions): Witness {
  const keepers = [
    ...(options.folder === ""
      ? []
      : [createKeeper("folder", (notes) => appendNotes(options, notes), { ...options, everyMs: 0 })]),
    ...(options.git === "" ? [] : [createKeeper("git", (notes) => pushNote(options, notes), options)]),
  ];
  return {
    give(note, size) {
      for (const keeper of keepers) keeper.give(note, size);
    },
    fault: () => keepers.map((keeper) => keeper.fault()).find((fault) => fault !== undefined),
    async close(ms) {
      const end = new Promise<void>((resolve) => setTimeout(resolve, ms).unref());
      await Promise.race([Promise.all(keepers.map((keeper) => keeper.close())), end]);
    },
  };
}

/** No more than this wait for a witness that is out of reach: the oldest give way, since the newest covers them. */
const mostWaiting = 1_000;

/** Hands notes over one at a time, and tries again later what failed. */
function createKeeper(
  what: string,
  hand: (notes: readonly string[]) => Promise<void>,
  { everyMs, log }: Pick<WitnessOptions, "everyMs" | "log">,
) {
  let waiting: string[] = [];
  let fault: string | undefined;
  let running: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const run = async (): Promise<void> => {
    const notes = waiting;
    waiting = [];
    try {
      await within(folderMs * 6, hand(notes));
      fault = undefined;
    } catch (error) {
      const message = `The audit's witness (${what}) does not take checkpoints: ${error instanceof Error ? error.message : String(error)}`;
      if (fault === undefined) log(message, error);
      fault = message;
      waiting = [...notes, ...waiting].slice(-mostWaiting);
    }
  };

  const begin = (afterMs: number): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      running = run().finally(() => {
        running = undefined;
        if (waiting.length > 0) begin(fault === undefined ? everyMs : Math.max(everyMs, 5_000));
      });
    }, afterMs).unref();
  };
  let last = Number.NEGATIVE_INFINITY;

  return {
    give(note: string, _size: number): void {
      waiting.push(note);
      if (waiting.length > mostWaiting) waiting.shift();
      if (running) return;
      const now = performance.now();
      if (timer === undefined) last = Math.max(now, last + everyMs);
      begin(Math.max(0, last - now));
    },
    fault: () => fault,
    async close(): Promise<void> {
      clearTimeout(timer);
      timer = undefined;
      await running;
      clearTimeout(timer);
      if (waiting.length > 0) await run();
    },
  };
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      work,
      new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`it did not answer within ${ms / 1_000} s`)), ms).unref();
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}

/** Appends to one file for each log, a JSON line for each checkpoint: nothing that stands there is ever touched again. */
async function appendNotes({ folder, name }: WitnessOptions, notes: readonly string[]): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = await open(join(folder, `${name}.checkpoints`), "a", 0o600);
  try {
    await file.appendFile(notes.map((note) => `${JSON.stringify({ note })}\n`).join(""));
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** Pushes the newest alone, as a commit on top of the one before; what the remote has is never overwritten. */
async function pushNote({ git, branch, repository }: WitnessOptions, notes: readonly string[]): Promise<void> {
  const note = notes.at(-1);
  if (note === undefined) return;
  if (!existsSync(join(repository, "HEAD"))) await runWitnessGit(repository, ["init", "--bare", "--quiet"]);
  const ref = `refs/heads/${branch}`;
  const parent = await runWitnessGit(repository, ["rev-parse", "--verify", "--quiet", ref]).catch(() => "");
  const commit = await commitCheckpoint(repository, note, parent.trim() || undefined);
  await runWitnessGit(repository, ["push", "--quiet", "--no-verify", "--", git, `${commit}:${ref}`]);
  await runWitnessGit(repository, ["update-ref", ref, commit]);
}

/** The checkpoints that a witness holds: a folder, or a git repository on this machine. Rejects when it cannot be read. */
export async function readWitness(path: string): Promise<readonly string[]> {
  const repository = [path, join(path, ".git")].find(
    (place) => existsSync(join(place, "HEAD")) && existsSync(join(place, "objects")),
  );
  if (repository) return readCheckpoints(repository);
  const files = (await readdir(path)).filter((name) => name.endsWith(".checkpoints"));
  if (files.length === 0)
    throw new Error(`${path} holds no checkpoints: it is neither a witness's folder nor a git repository.`);
  const texts = await Promise.all(files.map((name) => readFile(join(path, name), "utf8")));
  return texts.flatMap((text) => text.split("\n").filter(Boolean).map(toNote));
}

/** A line that cannot be read is a damaged checkpoint, and not none. */
function toNote(line: string): string {
  try {
    const { note } = JSON.parse(line) as { readonly note?: unknown };
    return typeof note === "string" ? note : line;
  } catch {
    return line;
  }
}
