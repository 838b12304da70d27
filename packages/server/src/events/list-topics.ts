import type { Follow, Topic } from "../adapters/adapter.ts";
import { createChangeTopic } from "./change-topic.ts";

/** `policy.changed`: another policy is in force. Only the owner is told which. */
export const createPolicyTopic = (hashOf: () => string): Topic<Record<string, never>> =>
  createChangeTopic({
    name: "policy.changed",
    title: "Follow the policy",
    summary: "Tells when another policy is in force, so that tools may have come or gone.",
    safety: "Tells only the owner which policy it is.",
    version: hashOf,
    tell: ({ caller }, hash) => (caller.owner ? { hash } : {}),
  });

/** `prompts.changed`: there may be other prompts. Which, `prompts.list` tells each caller. */
export const createPromptsTopic = (version: () => string): Topic<Record<string, never>> =>
  createChangeTopic({
    name: "prompts.changed",
    title: "Follow the prompts",
    summary: "Tells when prompts have come, gone or changed.",
    safety: "Names none of them.",
    version,
  });

/** What may be listed. */
export type Lists = Readonly<Record<"tools" | "prompts" | "resources", string>>;

/** `lists.changed`: there may be other tools, prompts or resources though the policy is as it was, since a server behind this one offers others. */
export function createListsTopic(versions: () => Lists): Topic<Record<string, never>> {
  const known = new WeakMap<Follow, Lists>();
  const topic = createChangeTopic({
    name: "lists.changed",
    title: "Follow the lists",
    summary: "Tells when other tools, prompts or resources are offered than before.",
    safety: "Names none of them.",
    version: () => JSON.stringify(versions()),
    tell(follow) {
      const [before, now] = [known.get(follow), versions()];
      known.set(follow, now);
      return { lists: lists.filter((list) => before?.[list] !== now[list]) };
    },
  });
  return {
    ...topic,
    async open(params, follow) {
      known.set(follow, versions());
      await topic.open(params, follow);
    },
    merge(before, after) {
      const both = new Set([...(before.data.lists as string[]), ...(after.data.lists as string[])]);
      return { ...after, data: { lists: lists.filter((list) => both.has(list)) } };
    },
  };
}

const lists = ["tools", "prompts", "resources"] as const;
