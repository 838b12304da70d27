import { Type } from "typebox";
import type { Follow, Topic } from "../adapters/adapter.ts";
import { createBeat } from "./beat.ts";

/** `policy.changed`: another policy is in force. Only the owner is told which. */
export function createPolicyTopic(hashOf: () => string): Topic<Record<string, never>> {
  const seen = new WeakMap<Follow, string>();
  const beat = createBeat<Follow>((followers) => {
    const hash = hashOf();
    for (const follow of followers) {
      if (seen.get(follow) === hash) continue;
      seen.set(follow, hash);
      const data = follow.caller.owner ? { hash } : {};
      follow.tell({ event: "policy.changed", data, key: "policy" });
    }
  });
  return {
    name: "policy.changed",
    title: "Follow the policy",
    summary: "Tells when another policy is in force, so that tools may have come or gone.",
    safety: "Tells only the owner which policy it is.",
    labels: {},
    own: true,
    params: Type.Object({}, { additionalProperties: false }),
    touches: () => [],
    async open(_params, follow) {
      seen.set(follow, hashOf());
      beat.join(follow, follow.signal);
    },
    show: (happening) => happening,
    resources: () => [],
    merge: (_before, after) => after,
  };
}
