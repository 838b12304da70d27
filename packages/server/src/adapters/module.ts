import type { CallError } from "@portcullis/contracts";
import type { Adapter, AnyTool, Tool } from "./adapter.ts";

/** A tool of a module of the owner's: its schemas are plain JSON Schemas. */
export type ModuleTool<I = never, O = unknown> = Omit<Tool<I, O>, "input" | "output" | "accepts" | "answers"> & {
  readonly input: object;
  readonly output: object;
};

/** What a module makes: an adapter whose tools are named after it (`NAME.something`). */
export type ModuleAdapter = Pick<Adapter, "start" | "stop"> & { tools(): readonly ModuleTool[] };

export interface ModuleContext {
  /** The name that the configuration gives it. */
  readonly name: string;
  /** What the configuration says under `options`. */
  readonly options: Readonly<Record<string, unknown>>;
  /** What a caller may read of a failure is thrown as one of these, with a code of docs/errors.md. */
  readonly CallError: typeof CallError;
}

/** The default export of an adapter's module. It does no I/O: `start` does. */
export type CreateAdapter = (context: ModuleContext) => ModuleAdapter;

/** Holds what a module made against the form of an adapter. Throws an Error that says what is wrong with it. */
export function toAdapter(name: string, made: unknown): Adapter {
  if (typeof made !== "object" || made === null || typeof (made as ModuleAdapter).tools !== "function")
    throw new Error("its default export answers no adapter: an object with tools().");
  const { tools, start, stop } = made as ModuleAdapter;
  const list: unknown = tools.call(made);
  if (!Array.isArray(list)) throw new Error("tools() answers no list.");
  const checked = list.map((tool: unknown, at) => {
    const wrong = faultOf(name, tool);
    if (wrong !== undefined) throw new Error(`tool ${at + 1}${nameOf(tool)}: ${wrong}`);
    return tool as AnyTool;
  });
  return {
    name,
    tools: () => checked,
    ...(start && { start: (signal: AbortSignal) => start.call(made, signal) }),
    ...(stop && { stop: () => stop.call(made) }),
  };
}

const nameOf = (tool: unknown): string => {
  const { name } = (tool ?? {}) as { name?: unknown };
  return typeof name === "string" ? ` (${name.slice(0, 100)})` : "";
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function faultOf(prefix: string, tool: unknown): string | undefined {
  if (!isObject(tool)) return "it is no object.";
  const { name, effect, labels, input, output } = tool;
  if (typeof name !== "string" || !name.startsWith(`${prefix}.`))
    return `its name does not begin with ${JSON.stringify(`${prefix}.`)}.`;
  for (const key of ["title", "summary", "safety"])
    if (typeof tool[key] !== "string" || tool[key] === "" || tool[key].includes("\n"))
      return `${key} is to be one line.`;
  if (!["read", "write", "send"].includes(effect as string)) return "effect is read, write or send.";
  if (!isObject(labels)) return "labels are an object: {} where nothing of it is private, untrusted or leaves.";
  for (const key of ["touches", "run"]) if (typeof tool[key] !== "function") return `${key} is a function.`;
  for (const key of ["filter", "citations", "notes"])
    if (tool[key] !== undefined && typeof tool[key] !== "function") return `${key} is a function.`;
  for (const [key, schema] of Object.entries({ input, output }))
    if (!isObject(schema) || schema.type !== "object" || schema.additionalProperties !== false)
      return `${key} is the JSON Schema of a closed object (type: "object", additionalProperties: false).`;
  return undefined;
}
