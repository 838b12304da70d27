import { Worker } from "node:worker_threads";
import { CallError } from "@portcullis/contracts";
import type { GrepAsk, GrepTold } from "./grep-messages.ts";

/** One search's thread, for as long as it lasts. */
export interface GrepThread {
  ask(ask: GrepAsk, signal: AbortSignal): Promise<GrepTold>;
  /** Gives the thread back, or ends it when it is still at work. */
  leave(): Promise<void>;
}

export interface GrepThreads {
  /** Waits for its turn; rejects when `signal` fires or too many wait. */
  enter(signal: AbortSignal): Promise<GrepThread>;
  stop(): Promise<void>;
}

const url = new URL(import.meta.url.endsWith(".ts") ? "./grep-worker.ts" : "./grep-worker.js", import.meta.url);
const width = 2;
const mostWaiting = 32;
const heapMegabytes = 256;

/**
 * Threads that search opened files, apart from the server: a pattern or a line made to be slow costs its own call. One that does not come
 * back in time is ended and replaced.
 */
export function createGrepThreads(): GrepThreads {
  const idle: Worker[] = [];
  const all = new Set<Worker>();
  const queue: (() => void)[] = [];
  let inside = 0;
  let stopped = false;

  const start = (): Worker => {
    const worker = new Worker(url, {
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytes, stackSizeMb: 8 },
    });
    worker.unref();
    all.add(worker);
    // Whoever waits for an answer hears of it; an idle thread that dies is only forgotten.
    worker.on("error", () => {});
    worker.once("exit", () => {
      all.delete(worker);
      if (idle.includes(worker)) idle.splice(idle.indexOf(worker), 1);
    });
    return worker;
  };

  const wait = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const go = (): void => {
        signal.removeEventListener("abort", stop);
        resolve();
      };
      const stop = (): void => {
        queue.splice(queue.indexOf(go), 1);
        reject(signal.reason);
      };
      queue.push(go);
      signal.addEventListener("abort", stop, { once: true });
    });

  return {
    async enter(signal) {
      signal.throwIfAborted();
      if (queue.length >= mostWaiting) throw tooMany();
      if (inside >= width) await wait(signal);
      else inside++;
      const worker = idle.pop() ?? start();
      let asked = false;
      return {
        async ask(ask, end) {
          asked = true;
          const told = await question(worker, ask, end);
          asked = false;
          return told;
        },
        async leave() {
          if (asked || stopped) await worker.terminate();
          else idle.push(worker);
          const next = queue.shift();
          if (next) next();
          else inside--;
        },
      };
    },
    async stop() {
      stopped = true;
      await Promise.all([...all].map((worker) => worker.terminate()));
    },
  };
}

/** Rejects when the thread ends, or when `signal` fires. */
function question(worker: Worker, ask: GrepAsk, signal: AbortSignal): Promise<GrepTold> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      worker.off("message", answered);
      worker.off("error", failed);
      worker.off("exit", failed);
      signal.removeEventListener("abort", aborted);
    };
    const answered = (told: GrepTold): void => {
      done();
      resolve(told);
    };
    const failed = (cause: unknown): void => {
      done();
      reject(tooComplex(cause));
    };
    const aborted = (): void => {
      done();
      reject(signal.reason);
    };
    if (signal.aborted) return reject(signal.reason);
    worker.once("message", answered);
    worker.once("error", failed);
    worker.once("exit", failed);
    signal.addEventListener("abort", aborted, { once: true });
    worker.postMessage(ask);
  });
}

const tooMany = (): CallError =>
  new CallError("UNAVAILABLE", "Too many searches wait already.", {
    details: { reason: "queue", waiting: mostWaiting, next: "Try again in a few seconds." },
  });

const tooComplex = (cause: unknown): CallError =>
  new CallError("UPSTREAM", "The search needed more memory than one search is given.", {
    cause,
    details: { reason: "memory", next: "Search a smaller folder, or with a simpler pattern." },
  });
