import { Worker } from "node:worker_threads";
import { CallError } from "@portcullis/contracts";
import { createGate } from "../../network/gate.ts";
import type { Page, PageRequest } from "../../web-page/read-page.ts";

export type PageReader = (request: PageRequest, signal: AbortSignal) => Promise<Page>;

const pagesAtOnce = 2;
const pagesWaiting = 32;
const heapMegabytes = 256;

/**
 * Reads pages in threads of their own, each with a deadline and a heap of its own: a page made to be slow or huge costs its own call and no other.
 * Rejects with `UPSTREAM` when a page cannot be read within these.
 */
export function createPageReader(readMs = 4_500): PageReader {
  const gate = createGate(pagesAtOnce, pagesWaiting);
  return async (request, signal) => {
    const leave = await gate.enter(signal);
    try {
      return await readApart(request, signal, readMs);
    } finally {
      leave();
    }
  };
}

async function readApart(request: PageRequest, signal: AbortSignal, readMs: number): Promise<Page> {
  // The file beside this one, as source or as built.
  const worker = new Worker(
    new URL(import.meta.url.endsWith(".ts") ? "./page-worker.ts" : "./page-worker.js", import.meta.url),
    {
      workerData: request,
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytes, stackSizeMb: 8 },
    },
  );
  const { promise, resolve, reject } = Promise.withResolvers<Page>();
  const timer = setTimeout(() => reject(tooComplex(request, "time")), readMs);
  const stop = (): void => reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  worker.once("message", resolve);
  worker.once("error", (cause) => reject(tooComplex(request, "tree", cause)));
  worker.once("exit", () => reject(tooComplex(request, "exit")));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    await worker.terminate();
  }
}

const tooComplex = (request: PageRequest, what: string, cause?: unknown): CallError =>
  new CallError("UPSTREAM", "The page is too large or too deeply nested to be turned into readable text.", {
    details: {
      url: request.url,
      reason: "page",
      limit: what,
      next: 'Ask for the page\'s bytes with "as": "bytes", or use another source.',
    },
    ...(cause !== undefined && { cause }),
  });
