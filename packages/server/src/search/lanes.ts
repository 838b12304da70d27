import { formatOf } from "../ingest/formats/format-of.ts";
import { createWorkQueue, type Progress, type Taken, type WorkQueue } from "./work-queue.ts";

/** Files that take long to read have a lane of their own: a note is not kept waiting by a book. */
export const lanes = ["quick", "slow"] as const;
export type Lane = (typeof lanes)[number];

const none = new Uint8Array(0);
const laneOf = (path: string): Lane => (formatOf(path, none) === undefined ? "quick" : "slow");

/** A work queue with lanes, each of which is worked off by itself. */
export interface Lanes<T> extends Omit<WorkQueue<T>, "take"> {
  take(lane: Lane, signal: AbortSignal, most: number): Promise<readonly Taken<T>[]>;
}

export function createLanes<T>(now: () => number): Lanes<T> {
  const queues = { quick: createWorkQueue<T>(now), slow: createWorkQueue<T>(now) };
  const all = Object.values(queues);
  return {
    add: (owner, path, when) => queues[laneOf(path)].add(owner, path, when),
    take: (lane, signal, most) => queues[lane].take(signal, most),
    pending: () => all.flatMap((queue) => queue.pending()),
    hold: () => all.forEach((queue) => void queue.hold()),
    release: () => all.forEach((queue) => void queue.release()),
    async idle() {
      await Promise.all(all.map((queue) => queue.idle()));
    },
    progress: () => together(queues.quick.progress(), queues.slow.progress()),
    end: () => all.forEach((queue) => void queue.end()),
  };
}

function together(one: Progress, other: Progress): Progress {
  const state = one.state === "following" ? other.state : one.state;
  const left = [one.secondsLeft, other.secondsLeft];
  const known = left.every((seconds) => seconds !== undefined);
  return {
    state,
    done: one.done + other.done,
    total: one.total + other.total,
    ratePerSecond: one.ratePerSecond + other.ratePerSecond,
    ...(known && { secondsLeft: Math.max(...(left as number[])) }),
  };
}
