import { CallError } from "@portcullis/contracts";

const mostWaiting = 64;

/** Runs one piece of work after the other, in the order they came: two writers of one file never cross. */
export function createTurnstile(): <T>(signal: AbortSignal, work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return async (signal, work) => {
    if (waiting >= mostWaiting) {
      throw new CallError("UNAVAILABLE", "Too many files are being written at once.", {
        details: { reason: "queue", waiting, next: "Try again in a few seconds." },
      });
    }
    waiting++;
    const before = last;
    const turn = (async () => {
      await before;
      try {
        signal.throwIfAborted();
        return await work();
      } finally {
        waiting--;
      }
    })();
    last = turn.catch(() => {});
    return turn;
  };
}
