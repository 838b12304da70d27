import { Type } from "typebox";
import type { Tool, Topic } from "../adapters/adapter.ts";
import type { ValidCall } from "./validate.ts";

const nothing = Type.Object({});
const never = (): never => {
  throw new Error("A topic is no tool that could run.");
};
const accepts = Object.assign(() => true, { errors: null }) as unknown as ValidCall["answers"];

/** A topic in the form that policy, limits and consent judge: a tool of its name that reads. */
export function asTool(topic: Topic<unknown>, input: unknown): ValidCall {
  const tool: Tool<unknown, unknown> = {
    ...topic,
    effect: "read",
    input: topic.params,
    output: nothing,
    run: never,
  } as unknown as Tool<unknown, unknown>;
  return { tool, accepts, answers: accepts, input };
}
