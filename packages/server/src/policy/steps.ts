/** Work in small steps, between which whoever drives it can let other work have its turn. */
export type Steps<T> = Generator<void, T>;

/** Does the work in one go. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
