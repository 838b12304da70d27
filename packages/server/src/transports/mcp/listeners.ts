import { AsyncLocalStorage } from "node:async_hooks";
import { InMemoryServerEventBus, type ServerEvent, type ServerEventBus } from "@modelcontextprotocol/server";
import type { Corridor } from "../../pipeline/corridor.ts";
import { followLists, followPolicy, watchResource } from "./changes.ts";
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

/** The lists, by what a stream asks for and what it is then told. */
const kinds = [
  { list: "tools", asked: "toolsListChanged", event: "tools_list_changed" },
  { list: "prompts", asked: "promptsListChanged", event: "prompts_list_changed" },
  { list: "resources", asked: "resourcesListChanged", event: "resources_list_changed" },
] as const;

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
  const wanted = kinds.filter(({ asked }) => notifications[asked] === true);
  if (wanted.length > 0) {
    const tell = (lists: readonly string[]): void => {
      for (const { list, event } of wanted) if (lists.includes(list)) listener({ kind: event });
    };
    void followPolicy(following, () => tell(kinds.map(({ list }) => list)));
    void followLists(following, tell);
  }
  const uris = Array.isArray(notifications.resourceSubscriptions) ? notifications.resourceSubscriptions : [];
  for (const uri of [...new Set(uris)].slice(0, mostWatched))
    if (typeof uri === "string") void watchResource(following, uri, () => listener({ kind: "resource_updated", uri }));
}
