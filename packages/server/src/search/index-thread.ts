import { Worker } from "node:worker_threads";
import type { Addition } from "./additions.ts";
import type { ChatAdded, ChatAddition } from "./chats.ts";
import type { Asked, IndexThreadData, Question, Told } from "./index-messages.ts";
import type { Indexer, IndexerOptions } from "./indexer.ts";
import type { Progress } from "./work-queue.ts";

/** Indexing that also takes what is handed to it. */
export interface IndexThread extends Indexer {
  add(addition: Addition): Promise<void>;
  /** False when there is nothing under the URL. */
  remove(url: string): Promise<boolean>;
  addChat(chat: ChatAddition): Promise<ChatAdded>;
}

interface Waiting {
  readonly question: Question;
  resolve(value: unknown): void;
  reject(cause: unknown): void;
}

export interface IndexThreadOptions extends IndexThreadData, Pick<IndexerOptions, "fault"> {}

const thread = new URL(import.meta.url.endsWith(".ts") ? "./index-worker.ts" : "./index-worker.js", import.meta.url);
/** What the thread needs is mostly outside of its heap; a wide one would only collect garbage later. */
const resourceLimits = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 8 } as const;
/** How long the thread may take to write what it has and end. */
const stopMs = 5_000;
/** How long after its unexpected end it is begun again. */
const againMs = 5_000;

/**
 * Indexing in a thread of its own, upon the index's file: reading, cutting and counting words would hold up calls. Should the thread die it is begun
 * anew; it goes on with what is not indexed yet.
 */
export function createIndexThread({ path, folders, meaning, fault }: IndexThreadOptions): IndexThread {
  let worker: Worker | undefined;
  let progress: Progress = { state: "walking", done: 0, total: 0, ratePerSecond: 0 };
  let questions = 0;
  let stopped = false;
  let again: NodeJS.Timeout | undefined;
  const waiting = new Map<number, Waiting>();

  const begin = (): Worker => {
    const begun = new Worker(thread, {
      workerData: { path, folders, meaning } satisfies IndexThreadData,
      resourceLimits,
    });
    begun.on("message", (told: Told) => {
      if (told.kind === "progress") progress = told.progress;
      else if (told.kind === "fault") fault(told.message, told.cause);
      else {
        const { resolve, reject } = waiting.get(told.id) ?? {};
        waiting.delete(told.id);
        if (told.kind === "answer") resolve?.(told.value);
        else reject?.(told.cause);
      }
    });
    begun.on("error", (error) => fault("Indexing has failed; it begins again.", error));
    begun.on("exit", () => {
      worker = undefined;
      if (stopped) return release();
      again = setTimeout(() => {
        worker = begin();
        for (const [id, { question }] of waiting) worker.postMessage({ id, ...question } satisfies Asked);
        if (![...waiting.values()].some(({ question }) => question.what === "start"))
          ask({ what: "start" }).catch((cause) => fault("Indexing could not begin.", cause));
      }, againMs);
    });
    return begun;
  };

  const ask = <T>(question: Question): Promise<T> => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const id = questions++;
    waiting.set(id, { question, resolve, reject });
    worker?.postMessage({ id, ...question } satisfies Asked);
    return promise as Promise<T>;
  };

  /** Those who wait for a thread that has ended wait no longer. */
  const release = (): void => {
    for (const { question, resolve, reject } of waiting.values()) {
      if (question.what === "add" || question.what === "remove" || question.what === "chat")
        reject(new Error("Indexing has ended."));
      else resolve(question.what === "pending" || question.what === "troubles" ? [] : undefined);
    }
    waiting.clear();
  };

  return {
    start() {
      if (stopped) return Promise.resolve();
      worker = begin();
      return ask<void>({ what: "start" }).catch((cause) => fault("Indexing could not begin.", cause));
    },
    settled: () => (worker || again ? ask({ what: "settled" }) : Promise.resolve()),
    add: (addition) => ask({ what: "add", addition }),
    remove: (url) => ask({ what: "remove", url }),
    addChat: (chat) => ask({ what: "chat", chat }),
    progress: () => progress,
    pending: () => (worker ? ask({ what: "pending" }) : Promise.resolve([])),
    troubles: () => (worker ? ask({ what: "troubles" }) : Promise.resolve([])),
    async stop() {
      stopped = true;
      clearTimeout(again);
      const running = worker;
      if (running) {
        const late = setTimeout(() => void running.terminate(), stopMs);
        const ended = new Promise((resolve) => running.once("exit", resolve));
        ask({ what: "stop" }).catch((cause) => fault("Indexing could not end in order.", cause));
        await ended;
        clearTimeout(late);
      }
      release();
    },
  };
}
