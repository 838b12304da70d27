import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** What a person or a program types, line by line. */
export interface Lines {
  /** The next line; undefined at the end of the input, or when the signal ends the wait. `fresh` takes nothing that was typed before. */
  next(
    question: string,
    options?: { readonly signal?: AbortSignal; readonly fresh?: boolean },
  ): Promise<string | undefined>;
  /** Called at Ctrl-C on a terminal. */
  interrupt: () => void;
  readonly ended: boolean;
  close(): void;
}

const mostWaiting = 64;
const longestLine = 262_144;

export function createLines(input: Readable & { readonly isTTY?: boolean }, output: Writable): Lines {
  const terminal = input.isTTY === true;
  const reader = createInterface({ input, ...(terminal && { output, terminal }) });
  const waiting: string[] = [];
  let take: ((line: string | undefined) => void) | undefined;
  const lines: Lines & { ended: boolean } = {
    interrupt: () => {},
    ended: false,
    next(question, { signal, fresh = false } = {}) {
      if (fresh && terminal) waiting.length = 0;
      const known = waiting.shift();
      if (!lines.ended && waiting.length < mostWaiting) reader.resume();
      if (known !== undefined) return Promise.resolve(known);
      if (lines.ended || signal?.aborted) return Promise.resolve(undefined);
      if (terminal) {
        reader.setPrompt(question);
        reader.prompt();
      }
      return new Promise((resolve) => {
        const stop = (): void => take?.(undefined);
        take = (line) => {
          take = undefined;
          signal?.removeEventListener("abort", stop);
          resolve(line);
        };
        signal?.addEventListener("abort", stop, { once: true });
      });
    },
    close: () => reader.close(),
  };
  reader.on("line", (line) => {
    const text = line.slice(0, longestLine);
    if (take) return take(text);
    waiting.push(text);
    if (waiting.length >= mostWaiting && !lines.ended) reader.pause();
  });
  reader.on("SIGINT", () => lines.interrupt());
  reader.on("close", () => {
    lines.ended = true;
    take?.(undefined);
  });
  return lines;
}
