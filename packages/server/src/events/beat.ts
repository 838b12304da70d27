/** Looks at something again and again, as long as anybody follows it. */
export interface Beat<F> {
  readonly followers: ReadonlySet<F>;
  join(follower: F, until: AbortSignal): void;
}

const everyMs = 250;

/** `look` is not called again before it has ended; what it throws is tried again at the next beat. */
export function createBeat<F>(look: (followers: ReadonlySet<F>) => void | Promise<void>): Beat<F> {
  const followers = new Set<F>();
  let timer: NodeJS.Timeout | undefined;
  let looking = false;
  const beat = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    try {
      await look(followers);
    } catch {
      // A store that cannot be read now may be read later; who follows is told then.
    } finally {
      looking = false;
    }
  };
  return {
    followers,
    join(follower, until) {
      if (until.aborted) return;
      followers.add(follower);
      timer ??= setInterval(() => void beat(), everyMs).unref();
      until.addEventListener(
        "abort",
        () => {
          followers.delete(follower);
          if (followers.size > 0) return;
          clearInterval(timer);
          timer = undefined;
        },
        { once: true },
      );
    },
  };
}
