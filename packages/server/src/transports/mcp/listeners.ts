import { AsyncLocalStorage } from "node:async_hooks";
import { InMemoryServerEventBus, type ServerEvent, type ServerEventBus } from "@modelcontextprotocol/server";
import type { Corridor } from "../../pipeline/corridor.ts";
import { followPolicy, followPrompts, watchResource } from "./changes.ts";
import type { Visit } from "./visit.ts";

/** A request of the stateless revision, as far as it tells what is listened for. */
interface Listening {
  readonly visit: Visit;
  readonly message: { readonly method: string; readonly params?: unknown };
}

export interface Listeners {
  /** What the SDK's `subscriptions/listen` streams hear from. */
  readonly bus: ServerEventBus;
  /** Runs what answers a request: a stream that it opens hears what that request's caller may be told. */
  within<T>(listening: Listening, work: () => T): T;
}

/** URIs that one stream may listen for. */
const mostWatched = 64;

/**
 * Gives each `subscriptions/listen` stream the changes that its own caller may know of. The SDK's bus tells every stream everything; here a stream is
 * told what the corridor has judged for it.
 */
export function createListeners(corridor: Corridor): Listeners {
  const everyone = new InMemoryServerEventBus();
  const current = new AsyncLocalStorage<Listening>();
  return {
    within: (listening, work) => current.run(listening, work),
    bus: {
      publish: (event) => everyone.publish(event),
      subscribe(listener) {
        const leave = everyone.subscribe(listener);
        const gone = new AbortController();
        const listening = current.getStore();
        if (listening?.message.method === "subscriptions/listen")
          follow(corridor, listening, { listener, gone: gone.signal });
        return () => {
          gone.abort();
          leave();
        };
      },
    },
  };
}

function follow(
  corridor: Corridor,
  { visit: { origin }, message }: Listening,
  { listener, gone }: { readonly listener: (event: ServerEvent) => void; readonly gone: AbortSignal },
): void {
  const { notifications = {} } = (message.params ?? {}) as {
    readonly notifications?: Readonly<Record<string, unknown>>;
  };
  const following = { corridor, origin, gone };
  if (notifications.toolsListChanged === true || notifications.resourcesListChanged === true) {
    void followPolicy(following, () => {
      listener({ kind: "tools_list_changed" });
      listener({ kind: "resources_list_changed" });
    });
  }
  if (notifications.promptsListChanged === true) {
    const changed = (): void => listener({ kind: "prompts_list_changed" });
    void followPolicy(following, changed);
    void followPrompts(following, changed);
  }
  const uris = Array.isArray(notifications.resourceSubscriptions) ? notifications.resourceSubscriptions : [];
  for (const uri of [...new Set(uris)].slice(0, mostWatched))
    if (typeof uri === "string") void watchResource(following, uri, () => listener({ kind: "resource_updated", uri }));
}
