export interface Rate {
  count(things: number): void;
  /** Over the last half minute, or as long as it counts. */
  perSecond(): number;
}

const windowMs = 30_000;
const mostCounts = 1_000;

export function createRate(now: () => number = () => performance.now()): Rate {
  let counts: { readonly at: number; readonly things: number }[] = [];
  let since = now();
  return {
    count(things) {
      const at = now();
      counts = counts.filter((one) => one.at > at - windowMs).slice(-mostCounts);
      if (counts.length === 0) since = Math.max(since, at - 1_000);
      counts.push({ at, things });
    },
    perSecond() {
      const at = now();
      const recent = counts.filter((one) => one.at > at - windowMs);
      const things = recent.reduce((sum, one) => sum + one.things, 0);
      const seconds = Math.max(1_000, Math.min(windowMs, at - since)) / 1_000;
      return Math.round((things / seconds) * 10) / 10;
    },
  };
}
