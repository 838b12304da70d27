export interface Waker {
  /** Ends the present wait, or the next one before it begins. */
  wake(): void;
  isAwake(): boolean;
  /** Forgets that it was woken. */
  forget(): void;
  /** Resolves after so many milliseconds, when it is woken, or when the signal fires. */
  wait(ms: number): Promise<void>;
  /** The same, but nobody wakes it. */
  pause(ms: number): Promise<void>;
}

/** Waits for one sleeper at a time, which hold no process open. */
export function createWaker(signal: AbortSignal): Waker {
  let woken = false;
  let rouse: (() => void) | undefined;

  const sleep = (ms: number, wakeable: boolean): Promise<void> =>
    new Promise((resolve) => {
      if (signal.aborted || (wakeable && woken)) return resolve();
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        rouse = undefined;
        resolve();
      };
      const timer = setTimeout(end, ms).unref();
      signal.addEventListener("abort", end, { once: true });
      if (wakeable) rouse = end;
    });

  return {
    wake() {
      woken = true;
      rouse?.();
    },
    isAwake: () => woken,
    forget() {
      woken = false;
    },
    wait: (ms) => sleep(ms, true),
    pause: (ms) => sleep(ms, false),
  };
}
