import type { ErrorObject, ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import type { Adapter, AnyTool, AnyTopic, ResourceKind, Tool, Topic } from "../adapters/adapter.ts";
import { nearest } from "../policy/nearest.ts";

/** A tool with its compiled schemas. */
export interface RegisteredTool {
  readonly tool: Tool<unknown, unknown>;
  readonly accepts: ValidateFunction;
  readonly answers: ValidateFunction;
}

export interface RegisteredTopic {
  readonly topic: Topic<unknown>;
  readonly accepts: ValidateFunction;
}

export interface Registry {
  topic(name: string): RegisteredTopic | undefined;
  topics(): readonly RegisteredTopic[];
  resources(): readonly ResourceKind[];
  find(name: string): RegisteredTool | undefined;
  all(): readonly RegisteredTool[];
  /** The name nearest to a wrong one, for "did you mean". */
  nearest(name: string): string | undefined;
}

// The schema has judged what reaches the tool, so its argument type may be forgotten and taken up again here, and only here.
const forget = (tool: AnyTool): Tool<unknown, unknown> => tool as unknown as Tool<unknown, unknown>;

const forgetTopic = (topic: AnyTopic): Topic<unknown> => topic as unknown as Topic<unknown>;

const namePattern = /^[a-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)*$/;

/** Collects the tools of all adapters and compiles their schemas; a doubled or malformed name is a fault of assembly. */
export function createRegistry(adapters: readonly Adapter[], own: readonly AnyTopic[] = []): Registry {
  const ajv = new Ajv2020({ allErrors: false, strict: true, allowUnionTypes: true });
  (formats as unknown as (ajv: Ajv2020) => void)(ajv);
  const tools = new Map<string, RegisteredTool>();
  for (const tool of adapters.flatMap((adapter) => adapter.tools().map(forget))) {
    if (!namePattern.test(tool.name))
      throw new Error(`A tool's name must be dotted words, not ${JSON.stringify(tool.name)}.`);
    if (tools.has(tool.name)) throw new Error(`Two adapters offer a tool named ${tool.name}.`);
    tools.set(tool.name, { tool, accepts: ajv.compile(tool.input), answers: ajv.compile(tool.output) });
  }
  const topics = new Map<string, RegisteredTopic>();
  for (const topic of [...adapters.flatMap((adapter) => adapter.topics?.() ?? []), ...own].map(forgetTopic)) {
    if (!namePattern.test(topic.name) || topics.has(topic.name) || tools.has(topic.name))
      throw new Error(`A topic cannot be named ${JSON.stringify(topic.name)}.`);
    topics.set(topic.name, { topic, accepts: ajv.compile(topic.params) });
  }
  const resources = adapters.flatMap((adapter) => adapter.resources?.() ?? []);
  const list = [...tools.values()].sort((a, b) => (a.tool.name < b.tool.name ? -1 : 1));
  return {
    find: (name) => tools.get(name),
    all: () => list,
    topic: (name) => topics.get(name),
    topics: () => [...topics.values()],
    resources: () => resources,
    nearest: (name) => nearest(name, tools.keys()),
  };
}

/** What ajv found, in a form that may leave: where, what, and what was expected. */
export const toFaults = (errors: readonly ErrorObject[] | null | undefined): readonly Record<string, unknown>[] =>
  (errors ?? []).map(({ instancePath, keyword, message, params }) => ({
    path: instancePath,
    keyword,
    message,
    params,
  }));
