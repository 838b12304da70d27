import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { KeptHead } from "./audit-head.ts";
import type { Committed, Committer } from "./commit-queue.ts";

export interface AuditThreadData {
  readonly path: string;
  readonly folder: string;
  readonly kept: KeptHead | undefined;
  readonly durability: "process" | "power" | undefined;
  readonly boot: string | undefined;
  readonly signal: Int32Array;
}

/** Places of `signal`. */
export const flags = {
  /** Not 0: there is something to do. */
  wake: 0,
  /** Counts what the thread has told. */
  told: 1,
  /** 1 when nobody waits for the batch any more. */
  abandoned: 2,
  /** 1 while the thread sleeps until it is woken. */
  asleep: 3,
  /** Records since the last checkpoint, as far as this process wrote them. */
  count: 4,
} as const;

/** What the thread tells. A `broken` that nobody asked for is told likewise. */
export type Told =
  | { readonly kind: "ready" | "closed" }
  | { readonly kind: "committed"; readonly result: Committed }
  | { readonly kind: "checkpoint"; readonly note: string; readonly size: number };

export interface AuditKeeper extends Committer {
  /** Records were written without the thread: it signs and moves them when it is time. */
  wrote(records: number): void;
  /** Lets the thread sign and close what it has; gives up after `ms`. */
  close(ms: number): Promise<void>;
}

export interface AuditKeeperOptions extends Omit<AuditThreadData, "signal"> {
  /** The thread failed or ended when nobody had asked for anything. */
  broke(why: string): void;
  checkpoint(note: string, size: number): void;
}

/** How long the thread waits for a lock that another process holds: less than whoever waits for the record. */
export const lockMs = 150;
/** The same while it is being started. */
const startMs = 1_000;
/** How many records the thread is woken for at once. */
const aBatch = 1_000;
const thread = new URL(import.meta.url.endsWith(".ts") ? "./audit-thread.ts" : "./audit-thread.js", import.meta.url);

/**
 * Starts the thread that keeps a log: it signs checkpoints and moves the WAL, and where a record has to be on the disk before its answer
 * leaves, it writes. A disk that takes its time then holds up no call that could be refused meanwhile.
 */
export function createAuditKeeper({ broke, checkpoint, ...data }: AuditKeeperOptions): AuditKeeper {
  const signal = new Int32Array(new SharedArrayBuffer(20));
  const { port1: port, port2 } = new MessageChannel();
  const worker = new Worker(thread, { workerData: { ...data, signal, port: port2 }, transferList: [port2] });
  worker.unref();
  let done: ((result: Committed) => void) | undefined;
  let readyAt: number | undefined;
  let ended = false;
  let closed: (() => void) | undefined;

  const finish = (result: Committed): void => {
    const whose = done;
    done = undefined;
    port.unref();
    if (whose) whose(result);
    else if ("broken" in result) broke(result.broken);
  };

  const hear = (told: Told): void => {
    if (told.kind === "committed") finish(told.result);
    else if (told.kind === "checkpoint") checkpoint(told.note, told.size);
    else if (told.kind === "ready") readyAt = performance.now();
    else closed?.();
  };

  const onEnd = (why: string): void => {
    if (ended) return;
    ended = true;
    closed?.();
    finish({ broken: `The audit's thread has ended: ${why}` });
  };

  port.on("message", hear);
  port.unref();
  worker.on("error", (error) => onEnd(error instanceof Error ? error.message : String(error)));
  worker.on("exit", () => onEnd("it stopped."));

  const wake = (): void => {
    Atomics.store(signal, flags.wake, 1);
    Atomics.notify(signal, flags.wake);
  };

  const send = (message: unknown): void => {
    port.ref();
    port.postMessage(message);
    wake();
  };

  return {
    begin(batch, whenDone) {
      done = whenDone;
      Atomics.store(signal, flags.abandoned, 0);
      if (ended) finish({ broken: "The audit's thread has ended." });
      else send(batch);
    },
    abandon: () => void Atomics.store(signal, flags.abandoned, 1),
    hurry(ms) {
      const end = performance.now() + (readyAt === undefined ? startMs : ms);
      while (done && performance.now() < end) {
        const heard = Atomics.load(signal, flags.told);
        const got = receiveMessageOnPort(port) as { readonly message: Told } | undefined;
        if (got) hear(got.message);
        else Atomics.wait(signal, flags.told, heard, Math.max(1, end - performance.now()));
      }
    },
    readyAt: () => readyAt,
    wrote(records) {
      const before = Atomics.add(signal, flags.count, records);
      if (Atomics.load(signal, flags.asleep) === 1 || (before < aBatch && before + records >= aBatch)) wake();
    },
    async close(ms) {
      if (!ended) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          closed = () => {
            clearTimeout(timer);
            ended = true;
            resolve();
          };
          send("close");
        });
      }
      ended = true;
      port.close();
      await worker.terminate();
    },
  };
}
