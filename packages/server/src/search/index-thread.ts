import { Worker } from "node:worker_threads";
import type { Asked, IndexThreadData, Told } from "./index-messages.ts";
import type { Indexer, IndexerOptions } from "./indexer.ts";
import type { Progress } from "./work-queue.ts";

export interface IndexThreadOptions extends IndexThreadData, Pick<IndexerOptions, "fault"> {}

const thread = new URL(import.meta.url.endsWith(".ts") ? "./index-worker.ts" : "./index-worker.js", import.meta.url);
/** What the thread needs is mostly outside of its heap; a wide one would only collect garbage later. */
const resourceLimits = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 16 } as const;
/** How long the thread may take to write what it has and end. */
const stopMs = 5_000;
/** How long after its unexpected end it is begun again. */
const againMs = 5_000;

/**
 * Indexing in a thread of its own, upon the index's file: reading, cutting and counting words would hold up calls. Should the thread die it is begun
 * anew; it goes on with what is not indexed yet.
 */
export function createIndexThread({ path, folders, fault }: IndexThreadOptions): Indexer {
  let worker: Worker | undefined;
  let progress: Progress = { state: "walking", done: 0, total: 0, ratePerSecond: 0 };
  let questions = 0;
  let stopped = false;
  let again: NodeJS.Timeout | undefined;
  const waiting = new Map<number, { readonly what: Asked["what"]; readonly resolve: (value: unknown) => void }>();

  const begin = (): Worker => {
    const begun = new Worker(thread, { workerData: { path, folders } satisfies IndexThreadData, resourceLimits });
    begun.on("message", (told: Told) => {
      if (told.kind === "progress") progress = told.progress;
      else if (told.kind === "fault") fault(told.message, told.cause);
      else {
        waiting.get(told.id)?.resolve(told.value);
        waiting.delete(told.id);
      }
    });
    begun.on("error", (error) => fault("Indexing has failed; it begins again.", error));
    begun.on("exit", () => {
      worker = undefined;
      if (stopped) return release();
      again = setTimeout(() => {
        worker = begin();
        for (const [id, { what }] of waiting) worker.postMessage({ id, what } satisfies Asked);
        if (![...waiting.values()].some(({ what }) => what === "start")) void ask("start");
      }, againMs);
    });
    return begun;
  };

  const ask = <T>(what: Asked["what"]): Promise<T> => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const id = questions++;
    waiting.set(id, { what, resolve });
    worker?.postMessage({ id, what } satisfies Asked);
    return promise as Promise<T>;
  };

  /** Those who wait for a thread that has ended wait no longer. */
  const release = (): void => {
    for (const { what, resolve } of waiting.values())
      resolve(what === "pending" || what === "troubles" ? [] : undefined);
    waiting.clear();
  };

  return {
    start() {
      if (stopped) return Promise.resolve();
      worker = begin();
      return ask("start");
    },
    settled: () => (worker || again ? ask("settled") : Promise.resolve()),
    progress: () => progress,
    pending: () => (worker ? ask("pending") : Promise.resolve([])),
    troubles: () => (worker ? ask("troubles") : Promise.resolve([])),
    async stop() {
      stopped = true;
      clearTimeout(again);
      const running = worker;
      if (running) {
        const late = setTimeout(() => void running.terminate(), stopMs);
        const ended = new Promise((resolve) => running.once("exit", resolve));
        void ask("stop");
        await ended;
        clearTimeout(late);
      }
      release();
    },
  };
}
