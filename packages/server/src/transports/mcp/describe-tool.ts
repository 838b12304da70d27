import type { Tool } from "@modelcontextprotocol/server";
import type { ToolDescription } from "@portcullis/contracts";
import { toMcpName } from "./tool-names.ts";
import type { Profile } from "./visit.ts";

interface ObjectSchema {
  readonly type: "object";
  readonly properties?: Readonly<Record<string, object>>;
  readonly required?: readonly string[];
  readonly [keyword: string]: unknown;
}

/** The argument that each tool of the full profile takes beside its own; it never reaches the tool. */
export const purposeArgument = "purpose";

const purposeSchema = {
  type: "string",
  minLength: 1,
  maxLength: 500,
  description:
    "Why you make this call, in a few words: it is written into the owner's audit, and a policy may ask for it.",
};

/** The one argument of each tool that ChatGPT's connectors and deep research call. */
const chatgptArguments: Readonly<Record<string, string>> = { search: "query", fetch: "id" };

/** Whether a profile has a tool, by the tool's dotted name. */
export const isInProfile = (profile: Profile, name: string): boolean =>
  profile === "full" || Object.hasOwn(chatgptArguments, name);

/** What an MCP client is told of a tool. */
export function toMcpTool(profile: Profile, tool: ToolDescription): Tool {
  return {
    name: toMcpName(tool.name),
    title: tool.title,
    description: `${tool.summary} ${tool.safety}`.trim(),
    inputSchema: inputSchemaOf(profile, tool) as Tool["inputSchema"],
    outputSchema: tool.output as NonNullable<Tool["outputSchema"]>,
    annotations: { title: tool.title, ...tool.annotations },
  };
}

function inputSchemaOf(profile: Profile, tool: ToolDescription): ObjectSchema {
  const input = tool.input as ObjectSchema;
  const only = profile === "chatgpt" ? chatgptArguments[tool.name] : undefined;
  if (only !== undefined) {
    return {
      type: "object",
      properties: { [only]: input.properties?.[only] ?? { type: "string" } },
      required: [only],
      additionalProperties: false,
    };
  }
  return { ...input, properties: { ...input.properties, [purposeArgument]: purposeSchema } };
}
