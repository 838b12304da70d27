import type { ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import type { Adapter, AnyTool, AnyTopic, Prompts, ResourceKind, Tool, Topic } from "../adapters/adapter.ts";
import { nearest } from "../policy/nearest.ts";
import type { Check } from "../upstream/check-value.ts";

/** A tool with its schemas, each compiled when it is first asked: a server has more than one start needs. */
export interface RegisteredTool {
  readonly tool: Tool<unknown, unknown>;
  readonly accepts: ValidateFunction | Check;
  readonly answers: ValidateFunction | Check;
}

export interface RegisteredTopic {
  readonly topic: Topic<unknown>;
  readonly accepts: ValidateFunction;
}

export interface Registry {
  topic(name: string): RegisteredTopic | undefined;
  topics(): readonly RegisteredTopic[];
  resources(): readonly ResourceKind[];
  /** Another text of each whenever there may be others than before. */
  versions(): Readonly<Record<"tools" | "prompts" | "resources", string>>;
  readonly prompts: Prompts;
  find(name: string): RegisteredTool | undefined;
  all(): readonly RegisteredTool[];
  /** The name nearest to a wrong one, for "did you mean". */
  nearest(name: string): string | undefined;
}

// The schema has judged what reaches the tool, so its argument type may be forgotten and taken up again here, and only here.
const forget = (tool: AnyTool): Tool<unknown, unknown> => tool as unknown as Tool<unknown, unknown>;

const forgetTopic = (topic: AnyTopic): Topic<unknown> => topic as unknown as Topic<unknown>;

const namePattern = /^[a-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)*$/;
const givenNamePattern = /^[a-z][a-z0-9-]*\.[A-Za-z][A-Za-z0-9_-]*$/;

/** Collects the tools of all adapters; a doubled or malformed name is a fault of assembly. */
export function createRegistry(adapters: readonly Adapter[], own: readonly AnyTopic[] = []): Registry {
  const ajv = new Ajv2020({ allErrors: false, strict: true, allowUnionTypes: true });
  (formats as unknown as (ajv: Ajv2020) => void)(ajv);
  const fixed = new Map<string, RegisteredTool>();
  const add = (tools: Map<string, RegisteredTool>, tool: Tool<unknown, unknown>, pattern: RegExp): void => {
    if (!pattern.test(tool.name))
      throw new Error(`A tool's name must be dotted words, not ${JSON.stringify(tool.name)}.`);
    if (tools.has(tool.name)) throw new Error(`Two adapters offer a tool named ${tool.name}.`);
    let { accepts, answers } = tool;
    tools.set(tool.name, {
      tool,
      get accepts() {
        accepts ??= ajv.compile(tool.input) as Check;
        return accepts;
      },
      get answers() {
        answers ??= ajv.compile(tool.output) as Check;
        return answers;
      },
    });
  };
  const [still, moving] = [adapters.filter(({ version }) => !version), adapters.filter(({ version }) => version)];
  for (const tool of still.flatMap((adapter) => adapter.tools().map(forget))) add(fixed, tool, namePattern);
  const topics = new Map<string, RegisteredTopic>();
  for (const topic of [...adapters.flatMap((adapter) => adapter.topics?.() ?? []), ...own].map(forgetTopic)) {
    if (!namePattern.test(topic.name) || topics.has(topic.name) || fixed.has(topic.name))
      throw new Error(`A topic cannot be named ${JSON.stringify(topic.name)}.`);
    topics.set(topic.name, {
      topic,
      get accepts() {
        return ajv.compile(topic.params);
      },
    });
  }
  const resources = adapters.flatMap((adapter) => adapter.resources?.() ?? []);
  const prompts = adapters.flatMap((adapter) => adapter.prompts ?? []);
  const promptsVersion = (): string => prompts.map(({ version }) => version()).join(" ");
  const gather = (): Offer => {
    const tools = new Map(fixed);
    for (const tool of moving.flatMap((adapter) => adapter.tools().map(forget))) add(tools, tool, givenNamePattern);
    // MCP has underscores for dots, so a name with underscores of its own comes back with dots.
    const spelt = new Map([...tools.values()].map((one) => [one.tool.name.replaceAll("_", "."), one]));
    const list = [...tools.values()].sort((a, b) => (a.tool.name < b.tool.name ? -1 : 1));
    return { tools, spelt, list };
  };
  const versionOf = (): string => moving.map(({ version }) => version?.()).join(" ");
  let [version, offer] = [versionOf(), gather()];
  const now = (): Offer => {
    if (moving.length === 0) return offer;
    const current = versionOf();
    if (current !== version) [version, offer] = [current, gather()];
    return offer;
  };
  return {
    find(name) {
      const { tools, spelt } = now();
      return tools.get(name) ?? spelt.get(name);
    },
    all: () => now().list,
    topic: (name) => topics.get(name),
    topics: () => [...topics.values()],
    resources: () => resources,
    versions: () => ({
      tools: versionOf(),
      prompts: promptsVersion(),
      resources: resources.map(({ version }) => version?.() ?? "").join(" "),
    }),
    prompts: {
      version: promptsVersion,
      list: () => prompts.flatMap(({ list }) => list()),
    },
    nearest: (name) => nearest(name, now().tools.keys()),
  };
}

/** The tools that there are, by name, by what MCP makes of the name, and in order. */
interface Offer {
  readonly tools: ReadonlyMap<string, RegisteredTool>;
  readonly spelt: ReadonlyMap<string, RegisteredTool>;
  readonly list: readonly RegisteredTool[];
}

/** What ajv found, in a form that may leave: where, what, and what was expected. */
export const toFaults = (errors: Check["errors"] | ValidateFunction["errors"]): readonly Record<string, unknown>[] =>
  (errors ?? []).map(({ instancePath, keyword, message, params }) => ({
    path: instancePath,
    keyword,
    message,
    params,
  }));
