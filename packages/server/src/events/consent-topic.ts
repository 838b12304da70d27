import { Type } from "typebox";
import type { Follow, Topic } from "../adapters/adapter.ts";
import { toStatus } from "../consent/show.ts";
import type { ConsentRequest, ConsentStore } from "../stores/consent-store.ts";
import { createBeat } from "./beat.ts";

/** Requests that were opened and of which it is not known yet how they ended. */
export interface Decisions {
  /** The store, watched for what is opened in it. */
  readonly store: ConsentStore;
  /** Those that have ended since the last time, by whichever process. */
  ended(): Promise<readonly ConsentRequest[]>;
  /** Begins to watch those that are open now. */
  begin(): Promise<void>;
  page(id: string): string;
}

const mostOpen = 10_000;

export function createDecisions(store: ConsentStore, url: () => string): Decisions {
  const open = new Set<string>();
  let version: number | undefined;
  const note = (id: string): void => {
    if (open.size < mostOpen) open.add(id);
  };
  const noteOpen = async (): Promise<void> => {
    for (const { id } of await store.listOpen(Date.now())) note(id);
  };
  return {
    store: {
      ...store,
      async open(wanted, limits) {
        const opening = await store.open(wanted, limits);
        // One that is answered before the next look would be missed else.
        if (opening.request?.state === "open") note(opening.request.id);
        return opening;
      },
    },
    begin: noteOpen,
    async ended() {
      const current = await store.version();
      if (current === version) return [];
      await noteOpen();
      const ended: ConsentRequest[] = [];
      for (const id of open) {
        const request = await store.find(id);
        if (request?.state === "open") continue;
        open.delete(id);
        if (request) ended.push(request);
      }
      version = current;
      return ended;
    },
    page: (id) => `${url()}/consent/${id}`,
  };
}

/** `consent.decided`: how a request ended. Whoever asked is told of their own; the owner of all. */
export function createConsentTopic(decisions: Decisions): Topic<Record<string, never>> {
  const beat = createBeat<Follow>(async (followers) => {
    for (const request of await decisions.ended()) {
      const data = { ...toStatus(request, decisions.page(request.id)) };
      for (const follow of followers) {
        const { owner, subject, grant } = follow.caller;
        if (!owner && (request.subject !== subject || request.client !== grant)) continue;
        follow.tell({ event: "consent.decided", data });
      }
    }
  });
  return {
    name: "consent.decided",
    title: "Follow consent",
    summary: "Tells how the requests of this caller were answered, or that they are over.",
    safety: "Tells a caller of their own requests, and only the owner of others'.",
    labels: {},
    own: true,
    params: Type.Object({}, { additionalProperties: false }),
    touches: () => [],
    async open(_params, follow) {
      // What ended before anybody followed is told to nobody.
      if (beat.followers.size === 0) await decisions.ended();
      await decisions.begin();
      beat.join(follow, follow.signal);
    },
    show: (happening) => happening,
    resources: () => [],
  };
}
