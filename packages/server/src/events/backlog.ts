import type { Happening, Topic } from "../adapters/adapter.ts";
import type { Room } from "./room.ts";

/** What comes next for a reader: an event under its number, or the numbers of events that are not told. */
export type Next =
  | { readonly kind: "event"; readonly seq: number; readonly happening: Happening }
  | { readonly kind: "missed"; readonly from: number; readonly to: number; readonly reason: MissedReason };

export type MissedReason = "slow" | "forgotten" | "withdrawn" | "source";

export interface BacklogLimits {
  /** Events that wait for a reader, and as many that were told are kept for one who comes back. */
  readonly events: number;
  /** The bytes of each of the two. */
  readonly bytes: number;
}

export interface BacklogOptions {
  readonly topic: Pick<Topic, "merge">;
  readonly limits: BacklogLimits;
  /** Shared by all backlogs. */
  readonly room: Room;
  /** The number before the first event's. */
  readonly base: number;
  /** The number that a reader who came back had taken last. */
  readonly after?: number;
}

interface Kept {
  readonly seq: number;
  readonly happening: Happening;
  readonly bytes: number;
}

interface Waiting {
  /** Undefined where the source lost sight. */
  readonly happening: Happening | undefined;
  readonly bytes: number;
}

/** What an entry costs beside its data. */
const overhead = 160;

/**
 * The events of one subscription: those that wait, and those that were told and may be asked for again. An event gets its number when it leaves, so
 * neither what policy hides nor what has been merged leaves a hole in the numbers. Both halves are bounded; what falls out is told as missed.
 */
export class Backlog {
  readonly #options: BacklogOptions;
  readonly #waiting = new Map<number, Waiting>();
  readonly #byKey = new Map<string, number>();
  #told: Kept[] = [];
  #waitingBytes = 0;
  #toldBytes = 0;
  #arrivals = 0;
  /** Events that fell out before the first that waits. */
  #dropped = 0;
  #last: number;
  #cursor: number;

  constructor(options: BacklogOptions) {
    this.#options = options;
    this.#last = options.base;
    this.#cursor = options.after ?? options.base;
  }

  /** The number of the event that left last. */
  get last(): number {
    return this.#last;
  }

  get cursor(): number {
    return this.#cursor;
  }

  get isEmpty(): boolean {
    return this.#cursor === this.#last && this.#dropped === 0 && this.#waiting.size === 0;
  }

  offer(happening: Happening): void {
    const { key } = happening;
    const at = key === undefined ? undefined : this.#byKey.get(key);
    const before = at === undefined ? undefined : this.#waiting.get(at)?.happening;
    const { merge } = this.#options.topic;
    if (at === undefined || before === undefined || merge === undefined) {
      this.#push(happening);
      return;
    }
    this.#take(at);
    const merged = merge(before, happening);
    if (merged) this.#push(merged);
  }

  /** The source may have missed something here. */
  lose(): void {
    this.#push(undefined);
  }

  /** Goes back to the event after a number; false when no such number was given yet. */
  rewind(after: number): boolean {
    if (after > this.#last) return false;
    this.#cursor = after;
    return true;
  }

  /** What the reader gets next, of what `show` lets through. */
  next(show: (happening: Happening) => Happening | undefined): Next | undefined {
    if (this.#cursor < this.#last) return this.#again(show);
    if (this.#dropped > 0) {
      const from = this.#last + 1;
      this.#last += this.#dropped;
      this.#dropped = 0;
      return this.#missed(from, this.#last, "slow");
    }
    for (const [at, { happening, bytes }] of this.#waiting) {
      this.#take(at);
      if (happening === undefined) {
        this.#last += 1;
        return this.#missed(this.#last, this.#last, "source");
      }
      const shown = show(happening);
      if (!shown) continue;
      this.#last += 1;
      this.#keep({ seq: this.#last, happening, bytes });
      this.#cursor = this.#last;
      return { kind: "event", seq: this.#last, happening: shown };
    }
    return undefined;
  }

  /** Gives back the room that it took. */
  clear(): void {
    this.#options.room.give(this.#waitingBytes + this.#toldBytes);
    this.#waiting.clear();
    this.#byKey.clear();
    this.#told = [];
    this.#waitingBytes = 0;
    this.#toldBytes = 0;
  }

  #again(show: (happening: Happening) => Happening | undefined): Next {
    const kept = this.#told.find(({ seq }) => seq > this.#cursor);
    const from = this.#cursor + 1;
    if (!kept) return this.#missed(from, this.#last, "forgotten");
    if (kept.seq > from) return this.#missed(from, kept.seq - 1, "forgotten");
    const shown = show(kept.happening);
    if (!shown) return this.#missed(from, from, "withdrawn");
    this.#cursor = kept.seq;
    return { kind: "event", seq: kept.seq, happening: shown };
  }

  #missed(from: number, to: number, reason: MissedReason): Next {
    this.#cursor = to;
    return { kind: "missed", from, to, reason };
  }

  #push(happening: Happening | undefined): void {
    const { limits, room } = this.#options;
    const bytes = sizeOf(happening);
    const at = this.#arrivals++;
    this.#waiting.set(at, { happening, bytes });
    this.#waitingBytes += bytes;
    room.take(bytes);
    if (happening?.key !== undefined) this.#byKey.set(happening.key, at);
    // What happens without a key (a rename) stands between what came before and after it.
    else this.#byKey.clear();
    while (this.#waiting.size > limits.events || this.#waitingBytes > limits.bytes || room.isFull()) {
      if (this.#told.length > 0 && room.isFull()) {
        this.#forget();
        continue;
      }
      const [first] = this.#waiting.keys();
      if (first === undefined) break;
      this.#take(first);
      this.#dropped += 1;
    }
  }

  #take(at: number): void {
    const waiting = this.#waiting.get(at);
    if (!waiting) return;
    this.#waiting.delete(at);
    this.#waitingBytes -= waiting.bytes;
    this.#options.room.give(waiting.bytes);
    const key = waiting.happening?.key;
    if (key !== undefined && this.#byKey.get(key) === at) this.#byKey.delete(key);
  }

  #keep(kept: Kept): void {
    const { limits, room } = this.#options;
    this.#told.push(kept);
    this.#toldBytes += kept.bytes;
    room.take(kept.bytes);
    while (this.#told.length > limits.events || this.#toldBytes > limits.bytes || room.isFull()) {
      if (!this.#forget()) break;
    }
  }

  #forget(): boolean {
    const first = this.#told.shift();
    if (!first) return false;
    this.#toldBytes -= first.bytes;
    this.#options.room.give(first.bytes);
    return true;
  }
}

/** One happening is offered to many subscriptions: it is measured once. */
const sizes = new WeakMap<Happening, number>();

function sizeOf(happening: Happening | undefined): number {
  if (!happening) return overhead;
  let size = sizes.get(happening);
  if (size === undefined) {
    size = overhead + JSON.stringify(happening.data).length * 2;
    sizes.set(happening, size);
  }
  return size;
}
