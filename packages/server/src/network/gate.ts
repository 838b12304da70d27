import { CallError } from "@portcullis/contracts";

export interface Gate {
  /** Resolves, when it is this one's turn, with the function that lets the next one in; rejects when `signal` fires or too many wait. */
  enter(signal: AbortSignal): Promise<() => void>;
}

/** Lets `width` in at once; at most `waiting` more may stand in the queue. `what` says who they are. */
export function createGate(width: number, waiting: number, what = "pages are being fetched at once"): Gate {
  let inside = 0;
  const queue: (() => void)[] = [];

  const leaveOnce = (): (() => void) => {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      inside--;
      queue.shift()?.();
    };
  };

  return {
    async enter(signal) {
      signal.throwIfAborted();
      if (inside < width) {
        inside++;
        return leaveOnce();
      }
      if (queue.length >= waiting) {
        throw new CallError("UNAVAILABLE", `Too many ${what}.`, {
          details: { reason: "queue", waiting, next: "Try again in a few seconds." },
        });
      }
      return new Promise((resolve, reject) => {
        const go = (): void => {
          signal.removeEventListener("abort", stop);
          inside++;
          resolve(leaveOnce());
        };
        const stop = (): void => {
          queue.splice(queue.indexOf(go), 1);
          reject(signal.reason);
        };
        queue.push(go);
        signal.addEventListener("abort", stop, { once: true });
      });
    },
  };
}
