import { parentPort, workerData } from "node:worker_threads";
import { compilePatterns } from "./patterns.ts";
import { createRedactor } from "./redactor.ts";
import type { ScrubAsked, ScrubData } from "./scrub-messages.ts";

const { patterns, secrets } = workerData as ScrubData;
const redactor = createRedactor({ patterns: compilePatterns(patterns), secrets, apart: true });
parentPort?.on("message", ({ value, extra }: ScrubAsked) => {
  const scrubbed = redactor.scrub(value, extra.length > 0 ? compilePatterns(extra) : undefined);
  // What is unchanged is not sent back: the asker has it.
  parentPort?.postMessage(scrubbed.value === value ? { masked: scrubbed.masked } : scrubbed);
});
