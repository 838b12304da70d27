import { Type } from "typebox";
import type { Follow, Topic } from "../adapters/adapter.ts";
import { createBeat } from "./beat.ts";

export interface Changing extends Pick<Topic, "name" | "title" | "summary" | "safety"> {
  /** Another text whenever something has changed. */
  version(): string;
  /** What a follower is told of the change. */
  tell?(follow: Follow, version: string): Readonly<Record<string, unknown>>;
}

/** A topic that tells that something is not as it was. What it is now, each caller asks as themselves. */
export function createChangeTopic({ version, tell = () => ({}), ...named }: Changing): Topic<Record<string, never>> {
  const seen = new WeakMap<Follow, string>();
  const beat = createBeat<Follow>((followers) => {
    const now = version();
    for (const follow of followers) {
      if (seen.get(follow) === now) continue;
      seen.set(follow, now);
      follow.tell({ event: named.name, data: tell(follow, now), key: named.name });
    }
  });
  return {
    ...named,
    labels: {},
    own: true,
    params: Type.Object({}, { additionalProperties: false }),
    touches: () => [],
    async open(_params, follow) {
      seen.set(follow, version());
      beat.join(follow, follow.signal);
    },
    show: (happening) => happening,
    resources: () => [],
    merge: (_before, after) => after,
  };
}
