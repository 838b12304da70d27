import { CallError } from "@portcullis/contracts";

interface Running {
  readonly grant: string;
  readonly deadline: number;
  readonly abort: (reason: CallError) => void;
}

export interface Run {
  /** Whose call it is. */
  readonly grant: string;
  /** By which its caller withdraws it. */
  readonly withdrawn?: AbortSignal | undefined;
  /** Tells when the caller's login has ended; the answer ends the watch. */
  readonly watch?: (ended: () => void) => () => void;
}

export interface InFlight {
  /**
   * Runs `work` until it ends, its caller withdraws it, the caller's login ends, or its time is up, whichever comes first: the answer never
   * waits for work that ignores its signal. Refuses at once when the grant has too many calls running or the server is closing.
   */
  run<T>(run: Run, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Takes no more calls; resolves when those that run have ended, and ends them at the deadline (ms). */
  drain(withinMs: number): Promise<void>;
}

export interface InFlightOptions {
  readonly callMs: number;
  readonly concurrentCalls: number;
}

/** One timer watches the deadlines of all running calls: a timer for each would cost more than most calls do. */
export function createInFlight({ callMs, concurrentCalls }: InFlightOptions): InFlight {
  const running = new Set<Running>();
  const perGrant = new Map<string, number>();
  let closing = false;
  let idle: (() => void) | undefined;
  let watch: NodeJS.Timeout | undefined;

  const expire = (): void => {
    const now = performance.now();
    for (const call of running) {
      if (call.deadline <= now) call.abort(new CallError("TIMEOUT", `The call was not finished within ${callMs} ms.`));
    }
  };

  const enter = (call: Running): void => {
    running.add(call);
    perGrant.set(call.grant, (perGrant.get(call.grant) ?? 0) + 1);
    watch ??= setInterval(expire, Math.min(250, callMs)).unref();
  };

  const leave = (call: Running): void => {
    running.delete(call);
    const left = (perGrant.get(call.grant) ?? 1) - 1;
    if (left > 0) perGrant.set(call.grant, left);
    else perGrant.delete(call.grant);
    if (running.size > 0) return;
    clearInterval(watch);
    watch = undefined;
    idle?.();
  };

  return {
    async run({ grant, withdrawn, watch: watchLogin }, work) {
      if (closing) throw new CallError("UNAVAILABLE", "The server is shutting down; try again when it is back.");
      if ((perGrant.get(grant) ?? 0) >= concurrentCalls) {
        throw new CallError(
          "RATE_LIMITED",
          `${concurrentCalls} calls of this token are running already; wait for one to end.`,
          {
            details: { bucket: "concurrent", capacity: concurrentCalls, tokensLeft: 0, retryAfterMs: 100 },
          },
        );
      }
      if (withdrawn?.aborted) throw new CallError("CANCELLED", "The caller withdrew the call.");
      const controller = new AbortController();
      let call: Running | undefined;
      let unwatch: (() => void) | undefined;
      const cancel = (): void => call?.abort(new CallError("CANCELLED", "The caller withdrew the call."));
      try {
        return await new Promise((resolve, reject) => {
          const abort = (reason: CallError): void => {
            reject(reason);
            controller.abort(reason);
          };
          call = { grant, deadline: performance.now() + callMs, abort };
          enter(call);
          unwatch = watchLogin?.(() =>
            abort(new CallError("UNAUTHENTICATED", "The token or session of this call has ended.")),
          );
          withdrawn?.addEventListener("abort", cancel, { once: true });
          work(controller.signal).then(resolve, reject);
        });
      } finally {
        withdrawn?.removeEventListener("abort", cancel);
        unwatch?.();
        if (call) leave(call);
      }
    },

    async drain(withinMs) {
      closing = true;
      if (running.size === 0) return;
      const timer = setTimeout(() => {
        for (const call of running)
          call.abort(new CallError("UNAVAILABLE", "The server is shutting down; the call was not finished."));
      }, withinMs);
      await new Promise<void>((resolve) => {
        idle = resolve;
      });
      clearTimeout(timer);
    },
  };
}
