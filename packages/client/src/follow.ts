import type { EventSubscribed, EventsEnded, EventsMissed, EventTold, Trace } from "@portcullis/contracts";
import type { Told } from "./answers.ts";
import type { Line } from "./line.ts";
import type { Listeners } from "./listeners.ts";

export interface EventHandlers {
  event(told: EventTold): void;
  /** Events that will not be told: look at the source itself. */
  missed?(told: EventsMissed): void;
  /** Nothing more comes: the server ended it, or it could not be gone on with. */
  ended?(reason: EventsEnded | Error): void;
  readonly trace?: Trace;
}

export interface Followed {
  readonly topic: string;
  close(): Promise<void>;
}

export interface Around {
  current(): Promise<Line>;
  readonly listeners: Listeners;
  isClosed(): boolean;
  readonly trace?: Trace | undefined;
}

interface Following extends Around {
  readonly topic: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly handlers: EventHandlers;
}

/** Subscribes, and subscribes again with the last number that was taken whenever the connection was lost. */
export async function follow({
  current,
  listeners,
  isClosed,
  trace,
  topic,
  params,
  handlers,
}: Following): Promise<Followed> {
  let last: { subscription: string; after: number } | undefined;
  let over = false;
  let unlisten = (): void => {};

  const end = (reason?: EventsEnded | Error): void => {
    if (over) return;
    over = true;
    unlisten();
    if (reason) handlers.ended?.(reason);
  };
  const hear = ({ method, params: told }: Told): void => {
    if (over || !last) return;
    if (method === "events.event") {
      last.after = (told as EventTold).seq;
      handlers.event(told as EventTold);
    } else if (method === "events.missed") {
      last.after = (told as EventsMissed).to;
      handlers.missed?.(told as EventsMissed);
    } else if (method === "events.ended") end(told as EventsEnded);
  };
  const subscribe = async (): Promise<void> => {
    const line = await current();
    const asked = { topic, params, trace: { ...trace, ...handlers.trace }, ...(last && { resume: last }) };
    const { subscription, after } = (await line.ask({ method: "events.subscribe", params: asked })) as EventSubscribed;
    unlisten();
    last = { subscription, after };
    unlisten = listeners.listen(subscription, hear);
    void line.ended.then(() => {
      if (over) return;
      if (isClosed()) return end();
      subscribe().catch((error: Error) => end(error));
    });
  };

  await subscribe();
  return {
    topic,
    async close() {
      const subscription = last?.subscription;
      if (over || subscription === undefined) return;
      end();
      const line = await current();
      await line.ask({ method: "events.unsubscribe", params: { subscription } }).catch(() => {});
    },
  };
}
