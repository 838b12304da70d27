import { setTimeout as delay } from "node:timers/promises";
import type { ServedFolder } from "../adapters/adapter.ts";
import { createSandbox } from "../ingest/sandbox/sandbox.ts";
import type { DocumentKey, TextIndex } from "../stores/store.ts";
import { type Batch, createBatch } from "./batch.ts";
import { createFolderTree, type FolderTree } from "./folder-tree.ts";
import { type Following, follow } from "./follow.ts";
import { createIndexedFolder, type IndexedFolder, refusal } from "./indexed-folder.ts";
import { createLanes, type Lane, lanes } from "./lanes.ts";
import { createMerger } from "./merger.ts";
import { createPace } from "./pace.ts";
import { createSegmentBuilder } from "./segment/builder.ts";
import type { Progress } from "./work-queue.ts";

/** What one transaction takes at most; a crash loses no more than this. `bytes` are of text. */
const most = { changes: 4_096, bytes: 4_194_304, ms: 1_000 } as const;
const retryMs = 1_000;
/** How often a folder is walked whose changes cannot be followed. */
const rescanMs = 10_000;

export interface IndexerOptions {
  readonly index: TextIndex;
  readonly folders: readonly ServedFolder[];
  /** Told what went wrong; indexing goes on. */
  readonly fault: (message: string, cause: unknown) => void;
  /** Milliseconds of a clock that never steps back. */
  readonly now?: () => number;
  /** How a folder is read. */
  readonly treeOf?: (root: string) => FolderTree;
}

/** Brings the index in line with the served folders and keeps it so. */
export interface Indexer {
  /** Resolves when every folder is followed and has been walked; what was found is then still being read. */
  start(): Promise<void>;
  /** Resolves when there is nothing left to do, for the moment. */
  settled(): Promise<void>;
  progress(): Progress;
  /** What is found but not yet dealt with. */
  pending(): Promise<readonly DocumentKey[]>;
  /** What hinders the walk, beside the files that the index itself lists as skipped. */
  troubles(): Promise<readonly { readonly key: DocumentKey; readonly reason: string }[]>;
  /** Ends everything; resolves when nothing is running any more. The index stays open. */
  stop(): Promise<void>;
}

/** Makes the indexer; it does nothing before `start`. */
export function createIndexer(options: IndexerOptions): Indexer {
  const { index, fault, treeOf = createFolderTree, now = () => performance.now() } = options;
  const ending = new AbortController();
  const { signal } = ending;
  const queue = createLanes<IndexedFolder>(now);
  const pace = createPace();
  const sandbox = createSandbox();
  const merger = createMerger({ index, fault });
  const folders = options.folders.map((folder) =>
    createIndexedFolder({ folder, index, sandbox, tree: treeOf(folder.path) }),
  );
  const followed = new Map<IndexedFolder, Following>();
  const rescans = new Map<IndexedFolder, NodeJS.Timeout>();
  const tasks = new Set<Promise<unknown>>();

  const run = (task: Promise<unknown>, what: string): void => {
    const watched = task
      .catch((error: unknown) => {
        if (!signal.aborted) fault(what, error);
      })
      .finally(() => tasks.delete(watched));
    tasks.add(watched);
  };

  // One walk of a folder at a time; another that is wanted meanwhile is made after it.
  const scans = new Map<IndexedFolder, Promise<void>>();
  const scan = (folder: IndexedFolder): Promise<void> => {
    const next = (scans.get(folder) ?? Promise.resolve())
      .catch(() => {})
      .then(async () => {
        for await (const path of folder.scan(pace, signal)) queue.add(folder, path, "later");
      });
    scans.set(folder, next);
    return next;
  };

  const rescanRegularly = (folder: IndexedFolder): void => {
    if (rescans.has(folder) || signal.aborted) return;
    rescans.set(
      folder,
      setInterval(() => run(scan(folder), `${folder.folder.path} could not be walked.`), rescanMs),
    );
  };

  async function followFolder(folder: IndexedFolder): Promise<void> {
    const root = folder.folder.path;
    const following = follow({
      root,
      changed(paths) {
        if (!paths) return run(scan(folder), `${root} could not be walked.`);
        for (const path of paths) for (const each of [path, ...folder.below(path)]) queue.add(folder, each, "now");
      },
      rulesChanged() {
        folder.forgetRules();
        run(
          (async () => {
            await followed.get(folder)?.stop();
            await followFolder(folder);
            await scan(folder);
          })(),
          `${root} could not be walked by its changed rules.`,
        );
      },
      fault(error) {
        // Each folder below tells its own; one word is enough.
        if (rescans.has(folder)) return;
        fault(
          `The changes of ${root} cannot all be followed; it is walked every ${rescanMs / 1_000} s instead.`,
          error,
        );
        rescanRegularly(folder);
      },
    });
    followed.set(folder, following);
    if (signal.aborted) await following.stop();
    await following.ready;
  }

  async function open(folder: IndexedFolder): Promise<void> {
    const following = followFolder(folder);
    queue.hold();
    try {
      await folder.load();
      await scan(folder);
    } finally {
      queue.release();
    }
    await following;
    // What changed after it was walked and before it was watched.
    await scan(folder);
  }

  async function work(lane: Lane): Promise<void> {
    const builder = createSegmentBuilder();
    while (!signal.aborted) {
      const taken = await queue.take(lane, signal, most.changes);
      const began = now();
      const batch = createBatch({ index, builder });
      for (const { owner, path, done, again } of taken) {
        if (signal.aborted) return;
        if (batch.size > most.bytes || now() - began > most.ms) {
          again();
          continue;
        }
        try {
          if (!(await examine(owner, path, batch))) done();
        } catch (error) {
          batch.forget(owner, path);
          fault(`${owner.folder.path}/${path} could not be indexed.`, error);
          done();
        }
        await pace();
      }
      await keep(batch, taken);
      if (lane === "quick") await merger.tidy(signal);
    }
  }

  /** Whether there is anything to change about a path. */
  async function examine(owner: IndexedFolder, path: string, batch: Batch): Promise<boolean> {
    const found = await owner.examine(path);
    if (!found) return false;
    if (found.kind !== "read") {
      batch.change(owner, found);
      return true;
    }
    try {
      await batch.read(owner, found, { most: most.bytes, signal });
    } catch (error) {
      const refused = refusal(found.key, found.stamp, error);
      if (!refused) throw error;
      batch.forget(owner, path);
      batch.change(owner, refused);
    }
    return true;
  }

  async function keep(batch: Batch, taken: Awaited<ReturnType<typeof queue.take>>): Promise<void> {
    try {
      await batch.write();
      for (const { done } of taken) done();
    } catch (error) {
      if (signal.aborted) return;
      fault("The index could not be written; it is tried again.", error);
      for (const { again } of taken) again();
      await delay(retryMs, undefined, { signal }).catch(() => {});
    }
  }

  return {
    async start() {
      for (const lane of lanes) run(work(lane), "Indexing has ended.");
      await Promise.all(
        folders.map((folder) =>
          open(folder).catch((error: unknown) => {
            if (!signal.aborted) fault(`${folder.folder.path} could not be walked.`, error);
          }),
        ),
      );
    },
    settled: () => queue.idle(),
    progress: () => queue.progress(),
    pending: async () => queue.pending().map(({ owner, path }) => ({ source: owner.folder.path, path })),
    troubles: async () => folders.flatMap((folder) => folder.troubles()),
    async stop() {
      ending.abort();
      for (const timer of rescans.values()) clearInterval(timer);
      await Promise.all([...followed.values()].map((following) => following.stop()));
      await sandbox.stop();
      await Promise.allSettled([...tasks, ...scans.values()]);
      queue.end();
    },
  };
}
