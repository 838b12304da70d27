import type { Told } from "./answers.ts";

/** Who waits for what the server tells by itself, by the id of a subscription or a stream. */
export interface Listeners {
  hear(told: Told): void;
  /** Hears from now on what was told to an id, what came before included. The answer ends it. */
  listen(id: string, listener: (told: Told) => void): () => void;
}

/** What is told before its answer has been read waits here, and not for long. */
const mostEarly = 1_000;

export function createListeners(): Listeners {
  const listeners = new Map<string, (told: Told) => void>();
  let early: Told[] = [];
  const idOf = ({ params }: Told): string => {
    const { subscription, streamId } = params as { readonly subscription?: string; readonly streamId?: string };
    return subscription ?? streamId ?? "";
  };
  return {
    hear(told) {
      const listener = listeners.get(idOf(told));
      if (listener) listener(told);
      else early = [...early.slice(1 - mostEarly), told];
    },
    listen(id, listener) {
      listeners.set(id, listener);
      const waiting = early.filter((told) => idOf(told) === id);
      early = early.filter((told) => idOf(told) !== id);
      for (const told of waiting) listener(told);
      return () => {
        if (listeners.get(id) === listener) listeners.delete(id);
      };
    },
  };
}
