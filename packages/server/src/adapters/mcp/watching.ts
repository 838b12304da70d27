import type { Client } from "@modelcontextprotocol/client";
import { CallError } from "@portcullis/contracts";
import { fromResourceUri } from "../../upstream/resource-uri.ts";
import type { ResourceWatch } from "../adapter.ts";
import type { Asking } from "./asking.ts";

export interface Watching {
  /** Asks the server to tell of a resource, on behalf of all who follow it. Rejects when it cannot. */
  watch(uri: string, watch: ResourceWatch): Promise<void>;
  /** The server says that a resource has changed. */
  updated(theirs: string): void;
  /** A connection is there that knows of nothing yet. */
  renewed(client: Client, signal: AbortSignal): Promise<void>;
}

/** URIs of one server that may be followed at once. */
const mostWatched = 256;

/** Follows resources of one server: each is asked for once, however many follow it, and again with each new connection. */
export function createWatching(source: string, asking: Asking): Watching {
  const watched = new Map<string, Set<ResourceWatch>>();

  const leave = (theirs: string, watch: ResourceWatch): void => {
    const followers = watched.get(theirs);
    if (!followers?.delete(watch) || followers.size > 0) return;
    watched.delete(theirs);
    // Whether it heeds that is its own affair: what it still tells reaches nobody.
    asking
      .ask(AbortSignal.timeout(5_000), (client, limits) => client.unsubscribeResource({ uri: theirs }, limits))
      .catch(() => {});
  };

  return {
    async watch(uri, watch) {
      const theirs = fromResourceUri(source, uri);
      const followers = watched.get(theirs);
      if (followers) followers.add(watch);
      else {
        if (watched.size >= mostWatched)
          throw new CallError("RATE_LIMITED", `${mostWatched} resources of ${source} are followed already.`, {
            details: { source },
          });
        watched.set(theirs, new Set([watch]));
      }
      watch.signal.addEventListener("abort", () => leave(theirs, watch), { once: true });
      if (followers) return;
      try {
        await asking.ask(watch.signal, async (client, limits) => {
          if (!tells(client)) throw toSilence(source);
          await client.subscribeResource({ uri: theirs }, limits);
        });
      } catch (error) {
        // Who came meanwhile is asked for anew with the next connection.
        leave(theirs, watch);
        throw error;
      }
    },
    updated(theirs) {
      for (const { changed } of watched.get(theirs) ?? []) changed();
    },
    async renewed(client, signal) {
      for (const [theirs, followers] of watched) {
        // What happened while nobody listened is not known.
        for (const { changed } of followers) changed();
        if (tells(client)) await client.subscribeResource({ uri: theirs }, { signal, timeout: 5_000 }).catch(() => {});
      }
    },
  };
}

const tells = (client: Client): boolean => client.getServerCapabilities()?.resources?.subscribe === true;

const toSilence = (source: string): CallError =>
  new CallError("UNAVAILABLE", `${source} does not say when its resources change.`, {
    details: { source, reason: "not_offered", next: "Read it again when you need it." },
  });
