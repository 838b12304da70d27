import { createBackoff } from "./backoff.ts";

export interface CircuitBreaker {
  /** False while it is open; true for one attempt when its rest is over, and always while it is closed. */
  admits(): boolean;
  succeeded(): void;
  /** The attempt came to nothing that tells of the other side. */
  abandoned(): void;
  failed(retryAfterMs?: number): void;
}

export interface BreakerOptions {
  /** Failures in a row that open it. */
  readonly failures?: number;
  readonly firstRestMs?: number;
  readonly mostRestMs?: number;
  readonly now?: () => number;
  readonly random?: () => number;
}

const mostAskedMs = 5 * 60_000;

/** Spares a side that fails: after some failures in a row it is left alone for a while, then tried by one attempt at a time. */
export function createCircuitBreaker(options: BreakerOptions = {}): CircuitBreaker {
  const { failures = 3, firstRestMs = 2_000, mostRestMs = 60_000, now = () => performance.now() } = options;
  const { random = Math.random } = options;
  const backoff = createBackoff({ firstMs: firstRestMs, mostMs: mostRestMs, mostAskedMs, random });
  let inRow = 0;
  let restUntil = 0;
  let trying = false;
  return {
    admits() {
      if (now() < restUntil) return false;
      if (inRow < failures) return true;
      if (trying) return false;
      trying = true;
      return true;
    },
    succeeded() {
      inRow = 0;
      restUntil = 0;
      trying = false;
      backoff.succeeded();
    },
    abandoned() {
      trying = false;
    },
    failed(retryAfterMs) {
      inRow++;
      trying = false;
      // A side that names a time is left alone for it, even after one failure.
      if (inRow >= failures) restUntil = now() + backoff.failed(retryAfterMs);
      else if (retryAfterMs !== undefined) restUntil = now() + Math.min(retryAfterMs, mostAskedMs);
    },
  };
}
