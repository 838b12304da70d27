import { Type } from "typebox";
import { createBeat } from "../../events/beat.ts";
import type { Follow, Topic } from "../adapter.ts";
import type { IndexAdapterOptions } from "./index-adapter.ts";

/** `index.progress`: how far indexing is. Numbers would tell of files that policy hides: only the owner is told them. */
export function createProgressTopic({
  name,
  indexer,
  labels,
}: Pick<IndexAdapterOptions, "name" | "indexer" | "labels">): Topic<Record<string, never>> {
  const seen = new WeakMap<Follow, string>();
  const beat = createBeat<Follow>((followers) => {
    const { state, done, total, ratePerSecond, secondsLeft } = indexer.progress();
    for (const follow of followers) {
      const data = follow.caller.owner
        ? { state, done, total, ratePerSecond, ...(secondsLeft !== undefined && { secondsLeft }) }
        : { state };
      const text = follow.caller.owner ? `${state} ${done} ${total}` : state;
      if (seen.get(follow) === text) continue;
      seen.set(follow, text);
      follow.tell({ event: "index.progress", data, key: "progress" });
    }
  });
  return {
    name: "index.progress",
    title: "Follow indexing",
    summary: "Tells whether the index is being built or follows changes.",
    safety: "Tells only the owner how many files there are.",
    labels,
    params: Type.Object({}, { additionalProperties: false }),
    touches: () => [{ kind: "index", name, collection: true }],
    // The first beat tells how it stands.
    open: async (_params, follow) => beat.join(follow, follow.signal),
    show: (happening, allows) => (allows({ kind: "index", name, collection: true }) ? happening : undefined),
    resources: () => [{ kind: "index", name, collection: true }],
    merge: (_before, after) => after,
  };
}
