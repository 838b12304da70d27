import type { Client, Tool } from "@modelcontextprotocol/client";
import type { Definition, Listing } from "../../upstream/pins.ts";
import { isObject } from "../../upstream/read-schema.ts";

/** Tools of one server that are looked at. */
const mostTools = 256;
/** Characters of one tool's definition. */
const longestDefinition = 131_072;
/** Characters of all of them together. */
const longestListing = 1_048_576;
const overKey = "portcullis/left";

/**
 * Cuts a listing of tools before anything else reads it: a server that offers ten thousand gets no more work done than one with a few, and a tool that is
 * written wrongly takes no other away.
 */
export function trimListing(message: unknown): unknown {
  const result = (message as { result?: { tools?: unknown; _meta?: object } } | null)?.result;
  if (!Array.isArray(result?.tools)) return message;
  const tools = result.tools.slice(0, mostTools).flatMap(readTool);
  const left = result.tools.length - tools.length;
  return {
    ...(message as object),
    result: { ...result, tools, ...(left > 0 && { _meta: { ...result._meta, [overKey]: left } }) },
  };
}

/** What is looked at of a tool; nothing when it is no tool with arguments of its own. */
function readTool(raw: unknown): readonly object[] {
  if (!isObject(raw) || typeof raw.name !== "string" || !isObject(raw.inputSchema)) return [];
  const { name, title, description, inputSchema, outputSchema, annotations } = raw;
  if (inputSchema.type !== undefined && inputSchema.type !== "object") return [];
  return [
    {
      name,
      ...(typeof title === "string" && { title }),
      ...(typeof description === "string" && { description }),
      inputSchema: { ...inputSchema, type: "object" },
      ...(isObject(outputSchema) && outputSchema.type === "object" && { outputSchema }),
      ...(isObject(annotations) && { annotations: readClaims(annotations) }),
    },
  ];
}

/** What a server claims of a tool, where it is of the right kind. */
const readClaims = ({ title, ...hints }: Readonly<Record<string, unknown>>): object => ({
  ...(typeof title === "string" && { title }),
  ...Object.fromEntries(Object.entries(hints).filter(([, value]) => typeof value === "boolean")),
});

/** Asks a server for its tools, in no more pages and with no more tools than are looked at. */
export async function listTools(client: Client, signal: AbortSignal, timeout: number): Promise<Listing> {
  if (client.getServerCapabilities()?.tools === undefined) return { tools: [], left: 0 };
  const answer = await client.listTools(undefined, { signal, timeout, cacheMode: "refresh" });
  const told = Number(answer._meta?.[overKey] ?? 0);
  const tools = new Map<string, Definition>();
  let room = longestListing;
  for (const tool of answer.tools) {
    if (tools.size >= mostTools) break;
    // Of two tools with one name, neither can be told from the other.
    if (tools.has(tool.name) || tool.name === "" || tool.name.length > 256) continue;
    const definition = toDefinition(tool);
    room -= JSON.stringify(definition).length;
    if (room < 0) break;
    tools.set(tool.name, definition);
  }
  return { tools: [...tools.values()], left: told + answer.tools.length - tools.size };
}

function toDefinition(tool: Tool): Definition {
  const definition: Definition = {
    name: tool.name,
    ...(tool.title !== undefined && { title: tool.title }),
    ...(tool.description !== undefined && { description: tool.description }),
    input: tool.inputSchema,
    ...(tool.outputSchema !== undefined && { output: tool.outputSchema }),
    ...(tool.annotations !== undefined && { claims: tool.annotations }),
  };
  const length = JSON.stringify(definition).length;
  // What is too long is not kept, but its length still tells a change.
  return length <= longestDefinition ? definition : { name: tool.name, input: `(${length} characters)` };
}
