import { Worker } from "node:worker_threads";
import { exitCodes } from "./answer.ts";
import { createFrameReader } from "./frames.ts";
import type { Task } from "./reader-thread.ts";

const mebibyte = 1024 * 1024;
const watchMs = 20;
const memory = Number(process.argv[2]) * mebibyte;

/**
 * The process in which files are read. Reading has a thread of its own, so that this one can always watch over the memory of both: the limits of a
 * thread hold for objects, not for the bytes that it unpacks to.
 */
const reader = new Worker(
  new URL(import.meta.url.endsWith(".ts") ? "./reader-thread.ts" : "./reader-thread.js", import.meta.url),
  {
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: Math.ceil(memory / mebibyte), stackSizeMb: 16 },
  },
);
// What a parser prints is no answer.
reader.stdout.resume();
reader.stderr.resume();

setInterval(() => {
  if (process.memoryUsage.rss() > memory) process.exit(exitCodes.memory);
}, watchMs);

reader.on("message", (message: "ready" | readonly Uint8Array[]) => {
  if (message === "ready") process.stdout.write("r");
  else for (const chunk of message) process.stdout.write(chunk);
});
reader.on("error", (error: NodeJS.ErrnoException) =>
  process.exit(error.code === "ERR_WORKER_OUT_OF_MEMORY" ? exitCodes.memory : exitCodes.crash),
);
reader.on("exit", () => process.exit(exitCodes.crash));

const receive = createFrameReader(({ head, body }) => {
  const bytes = new Uint8Array(body);
  reader.postMessage({ ...(head as Omit<Task, "bytes">), bytes } satisfies Task, [bytes.buffer]);
});
process.stdin.on("data", (chunk: Buffer) => {
  if (!receive(chunk)) process.exit(exitCodes.crash);
});
// The server has gone.
process.stdin.on("end", () => process.exit(0));
