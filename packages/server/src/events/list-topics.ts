import type { Topic } from "../adapters/adapter.ts";
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
