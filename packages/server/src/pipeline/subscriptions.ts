import { setImmediate } from "node:timers/promises";
import { CallError } from "@portcullis/contracts";
import { Backlog, type BacklogLimits } from "../events/backlog.ts";
import { createRoom } from "../events/room.ts";
import { createTurns, type Turns } from "../events/turns.ts";
import type { Caller, Origin, Sink } from "./arrival.ts";
import type { Question } from "./authorize.ts";
import type { Justification } from "./read-trace.ts";
import type { RegisteredTopic } from "./registry.ts";

export interface SubscriptionLimits extends BacklogLimits {
  readonly perConnection: number;
  readonly perGrant: number;
  readonly total: number;
  /** How long a subscription without a connection is kept, in ms. */
  readonly keepMs: number;
  /** Bytes of all events that are kept. */
  readonly room: number;
}

export const subscriptionLimits: SubscriptionLimits = {
  perConnection: 64,
  perGrant: 1_024,
  total: 8_192,
  keepMs: 300_000,
  events: 512,
  bytes: 256 * 1024,
  room: 64 * 1024 * 1024,
};

/** One subscription, with or without a connection that reads it. */
export interface Subscription {
  readonly id: string;
  readonly topic: RegisteredTopic["topic"];
  /** Topic and parameters as one text: what comes back must ask for the same. */
  readonly about: string;
  readonly backlog: Backlog;
  /** Ends the following of the source. */
  readonly ending: AbortController;
  /** Who asked, through what, and for what: as of the last time that they came. */
  caller: Caller;
  origin: Origin;
  justification: Justification;
  question: Question | undefined;
  sink: Sink | undefined;
  /** Ends the watch over login and connection. */
  release: () => void;
  /** When it lost its connection, in ms since the epoch. */
  since: number;
  pumping: boolean;
}

export interface Subscriptions {
  readonly limits: SubscriptionLimits;
  /** In which events are told. */
  readonly turn: Turns;
  /** Throws `RATE_LIMITED` where one more would be too many. */
  admit(caller: Caller, sink: Sink): void;
  /** A backlog of its own that shares the room of all. */
  backlog(topic: RegisteredTopic["topic"], base: number, after?: number): Backlog;
  add(subscription: Subscription): void;
  find(id: string, caller: Caller): Subscription | undefined;
  /** Leaves it without a connection, to be resumed for a while. */
  detach(subscription: Subscription): void;
  /** Ends it for good. */
  remove(subscription: Subscription): void;
  all(): Iterable<Subscription>;
  /** Looks after all once a second with `look`, a part at a time. */
  tend(look: (subscription: Subscription) => void): void;
  stop(): void;
}

const slice = 100;

export function createSubscriptions(now: () => number, some: Partial<SubscriptionLimits> = {}): Subscriptions {
  const limits = { ...subscriptionLimits, ...some };
  const room = createRoom(limits.room);
  const kept = new Map<string, Subscription>();
  let looking = false;
  let beat: NodeJS.Timeout | undefined;

  const count = (test: (subscription: Subscription) => boolean): number => {
    let found = 0;
    for (const subscription of kept.values()) if (test(subscription)) found += 1;
    return found;
  };
  const refuse = (bucket: string, capacity: number, whose: string): CallError =>
    new CallError("RATE_LIMITED", `${capacity} subscriptions of ${whose} stand already; end one first.`, {
      details: { bucket, capacity, tokensLeft: 0, retryAfterMs: 1_000, next: "events.unsubscribe ends one." },
    });
  /** Gives up the one that has been without a connection for longest. */
  const makeRoom = (test: (subscription: Subscription) => boolean): boolean => {
    let oldest: Subscription | undefined;
    for (const subscription of kept.values())
      if (!subscription.sink && test(subscription) && (!oldest || subscription.since < oldest.since))
        oldest = subscription;
    if (oldest) remove(oldest);
    return oldest !== undefined;
  };
  const remove = (subscription: Subscription): void => {
    if (!kept.delete(subscription.id)) return;
    subscription.sink = undefined;
    subscription.release();
    subscription.ending.abort();
    subscription.backlog.clear();
  };

  return {
    limits,
    turn: createTurns(),
    admit({ grant }, sink) {
      if (count((one) => one.sink === sink) >= limits.perConnection)
        throw refuse("connection", limits.perConnection, "this connection");
      const own = (one: Subscription): boolean => one.caller.grant === grant;
      if (count(own) >= limits.perGrant && !makeRoom(own)) throw refuse("grant", limits.perGrant, "this token");
      if (kept.size >= limits.total && !makeRoom(() => true)) throw refuse("server", limits.total, "all clients");
    },
    backlog: (topic, base, after) => new Backlog({ topic, limits, room, base, ...(after !== undefined && { after }) }),
    add: (subscription) => void kept.set(subscription.id, subscription),
    find(id, { grant, subject }) {
      const found = kept.get(id);
      return found?.caller.grant === grant && found.caller.subject === subject ? found : undefined;
    },
    detach(subscription) {
      if (!subscription.sink) return;
      subscription.sink = undefined;
      subscription.since = now();
      subscription.release();
    },
    remove,
    all: () => kept.values(),
    tend(look) {
      beat = setInterval(() => {
        if (looking) return;
        looking = true;
        void lookAtAll().finally(() => {
          looking = false;
        });
      }, 1_000).unref();
      async function lookAtAll(): Promise<void> {
        let looked = 0;
        for (const subscription of [...kept.values()]) {
          if (!subscription.sink && now() - subscription.since > limits.keepMs) remove(subscription);
          else if (subscription.sink) look(subscription);
          if (++looked % slice === 0) await setImmediate();
        }
      }
    },
    stop() {
      clearInterval(beat);
      for (const subscription of [...kept.values()]) remove(subscription);
    },
  };
}
