/** A server of others that keeps something for us: PostgreSQL, Redis. */
export interface Engine {
  /** What an owner calls it: "PostgreSQL at db:5432". Never its password. */
  readonly name: string;
  /** Why it cannot be used now; undefined while all is well. */
  fault(): string | undefined;
  close(): Promise<void>;
}

/** An engine does not answer, or not in time. Whether what it was asked to do has been done is not known. */
export class EngineAway extends Error {
  readonly engine: string;

  constructor(engine: string, why: string, cause?: unknown) {
    super(`${engine} is away: ${why}`, { cause });
    this.name = "EngineAway";
    this.engine = engine;
  }
}

/** Why an engine cannot be used at all, as configured: its driver is not installed, its schema is of a newer version. */
export class EngineFault extends Error {
  readonly next: string;

  constructor(message: string, next: string, cause?: unknown) {
    super(message, { cause });
    this.name = "EngineFault";
    this.next = next;
  }
}

export interface BreakerOptions {
  readonly name: string;
  /** Asks the engine the least that it can answer. */
  readonly probe: () => Promise<unknown>;
  /** Whether an error tells that the engine is away, rather than that a question was wrong. */
  readonly isAway: (error: unknown) => boolean;
  /** Whether it is there, and only could not do this in time. */
  readonly isBusy?: (error: unknown) => boolean;
  /** How long any question may take, in ms. */
  readonly deadlineMs?: number;
  readonly probeMs?: number;
  /** Done when it answers again, before anybody else may ask it. */
  readonly returning?: () => Promise<unknown>;
}

export interface Breaker {
  /** Asks the engine, unless it is known to be away. Rejects with `EngineAway` after the deadline at the latest. */
  ask<T>(work: () => Promise<T>, deadlineMs?: number): Promise<T>;
  fault(): string | undefined;
  /** Asks now, for up to `withinMs` until it is answered, and then as often as `probeMs` says, until `stop`. */
  start(withinMs: number): Promise<void>;
  stop(): void;
}

/** Less than a second from the moment when an engine stops to the moment when that is known: one pause and one deadline. */
const usualDeadlineMs = 700;
const usualProbeMs = 250;

/**
 * Keeps an engine that is away from holding up whoever asks: the first who waits in vain finds it out for all, and from then on everyone is
 * refused at once until a probe is answered.
 */
export function createBreaker(options: BreakerOptions): Breaker {
  const {
    name,
    probe,
    isAway,
    isBusy = () => false,
    deadlineMs = usualDeadlineMs,
    probeMs = usualProbeMs,
    returning,
  } = options;
  let away: string | undefined = unanswered;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const attempt = async <T>(work: () => Promise<T>, ms: number): Promise<T> => {
    try {
      return await inTime(work(), ms);
    } catch (error) {
      if (isBusy(error)) throw new EngineAway(name, `it is busy (${reasonOf(error)})`, error);
      if (!(error instanceof Late) && !isAway(error)) throw error;
      const why = error instanceof Late ? `it has not answered within ${ms} ms` : reasonOf(error);
      away = why;
      throw new EngineAway(name, why, error);
    }
  };

  const look = async (): Promise<void> => {
    try {
      await attempt(probe, deadlineMs);
      if (away === undefined || stopped) return;
      // What stands in the way of coming back is told, in the place of why it went.
      away = "it answers, and is being looked at";
      await attempt(async () => returning?.(), deadlineMs);
      away = undefined;
    } catch (error) {
      away = error instanceof EngineAway ? (away ?? error.message) : reasonOf(error);
    }
  };

  const again = (): void => {
    if (stopped) return;
    timer = setTimeout(() => void look().finally(again), probeMs);
    timer.unref();
  };

  return {
    ask(work, ms = deadlineMs) {
      if (away !== undefined) return Promise.reject(new EngineAway(name, away));
      return attempt(work, ms);
    },
    fault: () => (away === undefined ? undefined : `${name} is away: ${away}.`),
    async start(withinMs) {
      const end = performance.now() + withinMs;
      for (await look(); away !== undefined && performance.now() < end; await look())
        await new Promise((resolve) => setTimeout(resolve, 25));
      again();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

const unanswered = "it has not answered yet";

class Late extends Error {}

const reasonOf = (error: unknown): string => {
  const { code, message } = error as { readonly code?: unknown; readonly message?: string };
  return message || (typeof code === "string" ? code : String(error));
};

interface Asked {
  readonly until: number;
  late(): void;
}

const asked = new Set<Asked>();
let watching = false;
const watchMs = 50;

/** One timer for all that is asked, which costs a question next to nothing. */
function watch(): void {
  watching = false;
  const now = performance.now();
  const late = [...asked].filter(({ until }) => until <= now);
  // What was answered while this very process was held up is not late: the loop turns once more before anything counts as missed.
  if (late.length > 0)
    setImmediate(() =>
      setImmediate(() => {
        for (const one of late) if (asked.delete(one)) one.late();
      }),
    );
  if (asked.size > 0) beginWatch();
}

function beginWatch(): void {
  if (watching) return;
  watching = true;
  setTimeout(watch, watchMs);
}

function inTime<T>(work: Promise<T>, ms: number): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const one: Asked = { until: performance.now() + ms, late: () => reject(new Late()) };
    asked.add(one);
    beginWatch();
    work.then(
      (value) => {
        asked.delete(one);
        resolve(value);
      },
      (error) => {
        asked.delete(one);
        reject(error);
      },
    );
  });
}

/** A question that many ask at once is asked once; whoever comes while it is on its way gets the answer to the next one, which cannot be older than they are. */
export function createShared<T>(ask: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  let next: Promise<T> | undefined;
  const begin = (): Promise<T> => {
    running = ask().finally(() => {
      running = undefined;
    });
    return running;
  };
  return () => {
    if (running === undefined) return begin();
    next ??= running
      .catch(() => {})
      .then(() => {
        next = undefined;
        return running ?? begin();
      });
    return next;
  };
}
