import type { Client, Tool } from "@modelcontextprotocol/client";
import type { Definition, Listing } from "../../upstream/pins.ts";

/** Tools of one server that are looked at. */
const mostTools = 256;
/** Characters of one tool's definition. */
const longestDefinition = 131_072;
const overKey = "portcullis/left";

/** Cuts a listing of tools before anything else reads it: a server that offers ten thousand gets no more work done than one with a few. */
export function trimListing(message: unknown): unknown {
  const result = (message as { result?: { tools?: unknown; _meta?: object } } | null)?.result;
  if (!Array.isArray(result?.tools) || result.tools.length <= mostTools) return message;
  const left = result.tools.length - mostTools;
  return {
    ...(message as object),
    result: { ...result, tools: result.tools.slice(0, mostTools), _meta: { ...result._meta, [overKey]: left } },
  };
}

/** Asks a server for its tools, in no more pages and with no more tools than are looked at. */
export async function listTools(client: Client, signal: AbortSignal, timeout: number): Promise<Listing> {
  if (client.getServerCapabilities()?.tools === undefined) return { tools: [], left: 0 };
  const answer = await client.listTools(undefined, { signal, timeout, cacheMode: "refresh" });
  const told = Number(answer._meta?.[overKey] ?? 0);
  const tools = new Map<string, Definition>();
  for (const tool of answer.tools) {
    if (tools.size >= mostTools) break;
    // Of two tools with one name, neither can be told from the other.
    if (tools.has(tool.name) || tool.name === "" || tool.name.length > 256) continue;
    tools.set(tool.name, toDefinition(tool));
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
