import type { ToolDescription } from "@portcullis/contracts";
import type { AskedCall, OfferedTool } from "./chat-model.ts";

/** The argument that each tool takes beside its own: it becomes the call's purpose and never reaches the tool. */
const purposeArgument = "purpose";
const longestName = 64;

export interface Offer {
  readonly tools: readonly OfferedTool[];
  /** The dotted name of what a model asks for. */
  nameOf(asked: string): string | undefined;
}

/** The tools of a server under names that every model takes: letters, digits, `_` and `-`. */
export function offerTools(listed: readonly ToolDescription[], wanted: readonly string[]): Offer {
  const names = new Map<string, string>();
  const tools = listed
    .filter(({ name }) => wanted.length === 0 || wanted.some((pattern) => fits(pattern, name)))
    .map((tool): OfferedTool => {
      const name = free(tool.name.replace(/[^\w-]/g, "_").slice(0, longestName), names);
      names.set(name, tool.name);
      return { name, description: `${tool.summary} ${tool.safety}`.trim(), input: withPurpose(tool.input) };
    });
  return { tools, nameOf: (asked) => names.get(asked) ?? [...names.values()].find((name) => name === asked) };
}

/** `fs.*` stands for all whose names begin with `fs.`. */
const fits = (pattern: string, name: string): boolean =>
  pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;

function free(name: string, taken: ReadonlyMap<string, string>): string {
  let found = name;
  for (let count = 2; taken.has(found); count++) found = `${name.slice(0, longestName - 4)}_${count}`;
  return found;
}

function withPurpose(input: unknown): OfferedTool["input"] {
  const schema = input as { readonly properties?: Readonly<Record<string, unknown>> };
  const description = "Why you make this call, in a few words: it is written into the owner's audit.";
  return { ...schema, properties: { ...schema.properties, [purposeArgument]: { type: "string", description } } };
}

/** The arguments and the purpose of a call; undefined where they are no JSON object. */
export function readArguments({
  args,
}: AskedCall): { readonly args: Readonly<Record<string, unknown>>; readonly purpose?: string } | undefined {
  try {
    const value: unknown = JSON.parse(args);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const { [purposeArgument]: purpose, ...rest } = value as Record<string, unknown>;
    const said = typeof purpose === "string" ? toPurpose(purpose) : "";
    return { args: rest, ...(said !== "" && { purpose: said }) };
  } catch {
    return undefined;
  }
}

/** A text as a purpose: on one line, and no longer than one may be. */
export const toPurpose = (text: string): string =>
  [...text.replace(/[\s\p{Cc}]+/gu, " ").trim()].slice(0, 240).join("");
