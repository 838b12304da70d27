/** Work that may be paused between its steps: it yields at least once for each file that it looks at. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** Does all steps at once. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Does the steps with pauses: `pace` gives the event loop its turn when it is due. Ends with the signal's reason when it fires. */
export async function unhurried<T>(
  steps: Steps<T>,
  { pace, signal }: { readonly pace: () => Promise<void> | undefined; readonly signal: AbortSignal },
): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    const pause = pace();
    if (pause) await pause;
    if (signal.aborted) signal.throwIfAborted();
  }
}
