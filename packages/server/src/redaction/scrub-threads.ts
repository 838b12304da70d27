import { Worker } from "node:worker_threads";
import type { Scrubbed } from "./redactor.ts";
import type { ScrubAsked, ScrubData } from "./scrub-messages.ts";

const url = new URL(import.meta.url.endsWith(".ts") ? "./scrub-worker.ts" : "./scrub-worker.js", import.meta.url);
const resourceLimits = { maxOldGenerationSizeMb: 512 } as const;
const mostThreads = 2;
const mostWaiting = 64;
/** How long one value may take; the work that is counted ends long before. */
const deadline = 5_000;
/** How long one value may wait for its turn. */
const patience = 20_000;

/** Why a value could not be scrubbed; it is withheld then, never passed. */
export class Withheld extends Error {
  override readonly name = "Withheld";
}

interface Job {
  readonly asked: ScrubAsked;
  readonly resolve: (scrubbed: Scrubbed) => void;
  readonly reject: (error: Withheld) => void;
  timer: NodeJS.Timeout | undefined;
}

/** Threads that scrub what is too large or too costly to be scrubbed between two calls. */
export interface ScrubThreads {
  /** Rejects with `Withheld` when it takes too long, or too many wait. */
  scrub(asked: ScrubAsked): Promise<Scrubbed>;
  /** Ends each thread once what it was given is done. */
  retire(): void;
  close(): Promise<void>;
}

/** Starts a thread when there is something to do; one that does not end in time is ended, and only its value is withheld. */
export function createScrubThreads(workerData: ScrubData): ScrubThreads {
  const idle: Worker[] = [];
  const all = new Map<Worker, Job | undefined>();
  const waiting: Job[] = [];
  let closed = false;
  let retired = false;

  function next(): void {
    while (waiting.length > 0) {
      const worker = idle.pop() ?? (all.size < mostThreads ? start() : undefined);
      if (!worker) return;
      const job = waiting.shift();
      if (job) run(worker, job);
    }
  }

  function start(): Worker {
    const worker = new Worker(url, { workerData, resourceLimits });
    worker.unref();
    all.set(worker, undefined);
    worker.on("message", (told: Scrubbed | { readonly masked: Scrubbed["masked"] }) => {
      const job = all.get(worker);
      all.set(worker, undefined);
      idle.push(worker);
      if (job) {
        clearTimeout(job.timer);
        job.resolve("value" in told ? told : { value: job.asked.value, masked: told.masked });
      }
      worker.unref();
      next();
      if (retired && all.get(worker) === undefined) drop(worker, "the server is stopping");
    });
    worker.on("error", () => drop(worker, "the thread that looks for them failed"));
    worker.on("exit", () => drop(worker, "the thread that looks for them ended"));
    return worker;
  }

  function run(worker: Worker, job: Job): void {
    clearTimeout(job.timer);
    all.set(worker, job);
    worker.ref();
    job.timer = setTimeout(() => drop(worker, `it took longer than ${deadline / 1_000} seconds`), deadline);
    try {
      worker.postMessage(job.asked);
    } catch {
      drop(worker, "it cannot be read as data");
    }
  }

  function drop(worker: Worker, why: string): void {
    if (!all.has(worker)) return;
    const job = all.get(worker);
    all.delete(worker);
    const at = idle.indexOf(worker);
    if (at >= 0) idle.splice(at, 1);
    clearTimeout(job?.timer);
    job?.reject(new Withheld(why));
    void worker.terminate();
    if (!closed) next();
  }

  return {
    scrub(asked) {
      if (closed) return Promise.reject(new Withheld("the server is stopping"));
      if (waiting.length >= mostWaiting)
        return Promise.reject(new Withheld("too many large answers wait to be looked at"));
      return new Promise((resolve, reject) => {
        const job: Job = { asked, resolve, reject, timer: undefined };
        job.timer = setTimeout(() => {
          const at = waiting.indexOf(job);
          if (at >= 0) waiting.splice(at, 1);
          reject(new Withheld("too many large answers wait to be looked at"));
        }, patience);
        waiting.push(job);
        next();
      });
    },
    retire() {
      retired = true;
      for (const worker of [...idle]) drop(worker, "the server is stopping");
    },
    async close() {
      closed = true;
      for (const job of waiting.splice(0)) {
        clearTimeout(job.timer);
        job.reject(new Withheld("the server is stopping"));
      }
      const workers = [...all.keys()];
      for (const worker of workers) drop(worker, "the server is stopping");
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}
