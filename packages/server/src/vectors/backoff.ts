export interface Backoff {
  /** Milliseconds until the next attempt, of which half is chance: those who failed together shall not come back together. */
  failed(retryAfterMs?: number): number;
  succeeded(): void;
}

export interface BackoffOptions {
  readonly firstMs: number;
  readonly mostMs: number;
  /** The longest that another side may ask for. */
  readonly mostAskedMs: number;
  /** 0 to 1. */
  readonly random?: () => number;
}

/** Waits that double with each failure in a row; an endpoint that asks for a longer one gets it. */
export function createBackoff({ firstMs, mostMs, mostAskedMs, random = Math.random }: BackoffOptions): Backoff {
  let failures = 0;
  return {
    failed(retryAfterMs = 0) {
      const ms = Math.min(mostMs, firstMs * 2 ** Math.min(failures++, 30));
      return Math.max(ms * (0.5 + random() / 2), Math.min(retryAfterMs, mostAskedMs));
    },
    succeeded() {
      failures = 0;
    },
  };
}
