import { setImmediate } from "node:timers/promises";

/** Gives the event loop its turn whenever `sliceMs` of work have passed since the last time: `await pace()` between small steps. */
export function createPace(sliceMs = 8): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < sliceMs) return undefined;
    return setImmediate().then(() => {
      since = performance.now();
    });
  };
}
