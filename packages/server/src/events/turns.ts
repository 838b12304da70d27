/** Runs pieces of work one after the other in the order in which they came, and lets everything else have its turn in between. */
export type Turns = <T>(work: () => T | Promise<T>) => Promise<T>;

/** How long pieces are run for before the event loop turns, in ms. One event may be told to thousands. */
const sliceMs = 5;

export function createTurns(): Turns {
  let waiting: (() => void)[] = [];
  let running = false;
  const run = (): void => {
    const end = performance.now() + sliceMs;
    let done = 0;
    for (const work of waiting) {
      work();
      done += 1;
      if (performance.now() > end) break;
    }
    waiting = waiting.slice(done);
    running = waiting.length > 0;
    if (running) setImmediate(run);
  };
  return (work) =>
    new Promise((resolve, reject) => {
      waiting.push(() => {
        try {
          // Only the part before its first wait counts as its turn.
          Promise.resolve(work()).then(resolve, reject);
        } catch (error) {
          reject(error);
        }
      });
      if (running) return;
      running = true;
      setImmediate(run);
    });
}
