import { Worker } from "node:worker_threads";
import { CallError } from "@portcullis/contracts";
import { createTurns } from "../../events/turns.ts";
import type { FileChange, WatchAsked, WatchTold } from "./watch-messages.ts";

/** What one follower of a folder is told. */
export interface Follower {
  changed(changes: readonly FileChange[]): void;
  /** Something has changed that was not noticed. */
  lost(): void;
  /** The folder is watched no more. */
  fail(error: CallError): void;
}

/** Watches folders; those who follow the same one share it. */
export interface Watcher {
  /** Resolves once everything that changes is told. The answer ends it. */
  follow(root: string, follower: Follower): Promise<() => void>;
  stop(): Promise<void>;
}

const thread = new URL(import.meta.url.endsWith(".ts") ? "./watch-worker.ts" : "./watch-worker.js", import.meta.url);
const resourceLimits = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 8 } as const;

/** How long the first look at a folder may take (ms), and how many folders are watched at once. */
const readyMs = 30_000;
const mostFolders = 256;
/** Changes that are judged for one follower at a time. */
const atOnce = 100;

interface Watched {
  readonly id: number;
  readonly root: string;
  readonly followers: Set<Follower>;
  readonly ready: PromiseWithResolvers<void>;
}

const failed = (message: string, reason: string, next: string): CallError =>
  new CallError("UPSTREAM", message, { details: { reason, next } });

/** The watching has a thread of its own: a first look at a large tree would hold up every call. The thread lives as long as something is watched. */
export function createWatcher(): Watcher {
  const folders = new Map<string, Watched>();
  const byId = new Map<number, Watched>();
  let worker: Worker | undefined;
  let ids = 0;
  const turn = createTurns();

  const drop = (watched: Watched, error?: CallError): void => {
    if (!byId.delete(watched.id)) return;
    folders.delete(watched.root);
    if (error) {
      watched.ready.reject(error);
      for (const follower of watched.followers) follower.fail(error);
    }
    if (byId.size > 0) worker?.postMessage({ kind: "unwatch", id: watched.id } satisfies WatchAsked);
    else end();
  };

  const end = (): Promise<unknown> | undefined => {
    const ending = worker;
    worker = undefined;
    ending?.removeAllListeners("exit");
    return ending?.terminate();
  };

  /** Many changes to many followers take their time: nobody else waits for it. */
  const tellInTurns = (watched: Watched, follower: Follower, changes: readonly FileChange[]): void => {
    for (let from = 0; from < changes.length; from += atOnce) {
      const some = changes.slice(from, from + atOnce);
      void turn(() => watched.followers.has(follower) && follower.changed(some));
    }
  };

  const hear = (told: WatchTold): void => {
    const watched = byId.get(told.id);
    if (!watched) return;
    switch (told.kind) {
      case "ready":
        watched.ready.resolve();
        return;
      case "changes":
        for (const follower of watched.followers) tellInTurns(watched, follower, told.changes);
        return;
      case "lost":
        for (const follower of watched.followers) void turn(() => follower.lost());
        return;
      case "fault": {
        const full = "There are more folders than the system lets the server watch.";
        if (told.full) drop(watched, failed(full, "watches", "Watch a smaller folder."));
        else for (const follower of watched.followers) void turn(() => follower.lost());
      }
    }
  };

  const begin = (): Worker => {
    const begun = new Worker(thread, { resourceLimits });
    begun.unref();
    begun.on("message", hear);
    // Its exit follows, and tells the followers.
    begun.on("error", () => {});
    begun.on("exit", () => {
      if (worker === begun) worker = undefined;
      const error = failed("The thread that watches folders has ended.", "watcher", "Subscribe again.");
      for (const watched of [...byId.values()]) drop(watched, error);
    });
    return begun;
  };

  const open = (root: string): Watched => {
    if (folders.size >= mostFolders)
      throw failed(`${mostFolders} folders are watched already.`, "watches", "Watch a folder that lies above several.");
    const watched: Watched = { id: ++ids, root, followers: new Set(), ready: Promise.withResolvers() };
    watched.ready.promise.catch(() => {});
    folders.set(root, watched);
    byId.set(watched.id, watched);
    worker ??= begin();
    worker.postMessage({ kind: "watch", id: watched.id, root } satisfies WatchAsked);
    const timer = setTimeout(() => {
      drop(watched, failed(`Watching ${root} was not ready in time.`, "slow", "Watch a smaller folder."));
    }, readyMs);
    const ready = (): void => clearTimeout(timer);
    watched.ready.promise.then(ready, ready);
    return watched;
  };

  return {
    async follow(root, follower) {
      const watched = folders.get(root) ?? open(root);
      watched.followers.add(follower);
      const leave = (): void => {
        watched.followers.delete(follower);
        if (watched.followers.size === 0) drop(watched);
      };
      try {
        await watched.ready.promise;
        return leave;
      } catch (error) {
        watched.followers.delete(follower);
        throw error;
      }
    },
    async stop() {
      byId.clear();
      folders.clear();
      await end();
    },
  };
}
