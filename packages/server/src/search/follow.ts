import { Worker } from "node:worker_threads";

/** What the thread tells: paths that may have changed, come or gone (none: any may have), a rule file among them, or trouble. */
export type Told =
  | { readonly kind: "ready" }
  | { readonly kind: "changed"; readonly paths?: readonly string[] }
  | { readonly kind: "rules" }
  | { readonly kind: "fault"; readonly message: string };

export interface FollowOptions {
  readonly root: string;
  /** Files or folders that may have changed, come or gone; `undefined` stands for any. */
  changed(paths: readonly string[] | undefined): void;
  /** A rule file has changed: following has to be begun anew. */
  rulesChanged(): void;
  /** Following has failed in part or whole; changes may be missed from now on. */
  fault(error: unknown): void;
}

export interface Following {
  /** Resolves once every folder is watched, or following has ended. */
  readonly ready: Promise<void>;
  stop(): Promise<void>;
}

const thread = new URL(import.meta.url.endsWith(".ts") ? "./follow-thread.ts" : "./follow-thread.js", import.meta.url);

/** A small young generation: what is looked at once is garbage at once. */
const resourceLimits = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 8 } as const;

/**
 * Follows the changes below a folder, without following symbolic links out of it. The watcher has a thread of its own: its first look at a
 * large tree would hold up every call for up to seconds.
 */
export function follow({ root, changed, rulesChanged, fault }: FollowOptions): Following {
  const ready = Promise.withResolvers<void>();
  const worker = new Worker(thread, { workerData: { root }, resourceLimits });
  let stopped = false;
  worker.on("message", (told: Told) => {
    if (stopped) return;
    if (told.kind === "ready") ready.resolve();
    else if (told.kind === "changed") changed(told.paths);
    else if (told.kind === "rules") rulesChanged();
    else fault(new Error(told.message));
  });
  worker.on("error", (error) => {
    if (!stopped) fault(error);
  });
  worker.on("exit", () => {
    ready.resolve();
    if (!stopped) fault(new Error("The thread that follows changes has ended."));
  });
  return {
    ready: ready.promise,
    async stop() {
      stopped = true;
      await worker.terminate();
    },
  };
}
