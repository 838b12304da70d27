import type { Client, Prompt, Tool } from "@modelcontextprotocol/client";
import type { ListedTemplate } from "@portcullis/contracts";
import type { Definition, Listing } from "../../upstream/pins.ts";
import { isObject } from "../../upstream/read-schema.ts";
import { toResourceScheme, toResourceUri } from "../../upstream/resource-uri.ts";
import type { ListedResource } from "../adapter.ts";

/** Tools of one server that are looked at. */
const mostTools = 256;
/** Characters of one tool's definition. */
const longestDefinition = 131_072;
/** Characters of all of them together. */
const longestListing = 1_048_576;
const overKey = "portcullis/left";

/** What is listed, how much of it is looked at, and how one of each is read. */
const kinds: Readonly<Record<string, { readonly most: number; read(raw: unknown): readonly object[] }>> = {
  tools: { most: mostTools, read: readTool },
  prompts: { most: mostTools, read: readPrompt },
  resources: { most: 2_000, read: readResource },
  resourceTemplates: { most: 100, read: readTemplate },
};

/** Whether a text may hold a listing. */
export const mayList = (text: string): boolean => /"(?:tools|prompts|resources|resourceTemplates)"/.test(text);

/**
 * Cuts a listing before anything else reads it: a server that offers ten thousand tools gets no more work done than one with a few, and a tool, prompt or
 * resource that is written wrongly takes no other away.
 */
export function trimListing(message: unknown): unknown {
  const result = (message as { result?: Readonly<Record<string, unknown>> } | null)?.result;
  if (!isObject(result)) return message;
  const name = Object.keys(kinds).find((key) => Array.isArray(result[key]));
  const kind = name === undefined ? undefined : kinds[name];
  if (name === undefined || !kind) return message;
  const all = result[name] as readonly unknown[];
  const kept = all.slice(0, kind.most).flatMap(kind.read);
  const left = all.length - kept.length;
  const meta = isObject(result._meta) ? result._meta : {};
  return {
    ...(message as object),
    result: { ...result, [name]: kept, ...(left > 0 && { _meta: { ...meta, [overKey]: left } }) },
  };
}

const textOf = (value: unknown, longest: number): string | undefined =>
  typeof value === "string" ? value.slice(0, longest) : undefined;

/** What of an object is a text, each of these cut at its length. */
function texts(raw: Readonly<Record<string, unknown>>, lengths: Readonly<Record<string, number>>): object {
  return Object.fromEntries(
    Object.entries(lengths).flatMap(([key, longest]) => {
      const text = textOf(raw[key], longest);
      return text === undefined ? [] : [[key, text]];
    }),
  );
}

function readResource(raw: unknown): readonly object[] {
  if (!isObject(raw) || typeof raw.uri !== "string" || typeof raw.name !== "string" || raw.uri.length > 8_192)
    return [];
  const { size } = raw;
  return [
    {
      ...texts(raw, { uri: 8_192, name: 200, mimeType: 200 }),
      ...(Number.isSafeInteger(size) && Number(size) >= 0 && { size }),
    },
  ];
}

function readTemplate(raw: unknown): readonly object[] {
  if (!isObject(raw) || typeof raw.uriTemplate !== "string" || typeof raw.name !== "string") return [];
  return raw.uriTemplate.length > 2_048
    ? []
    : [texts(raw, { uriTemplate: 2_048, name: 200, description: 1_000, mimeType: 200 })];
}

function readPrompt(raw: unknown): readonly object[] {
  if (!isObject(raw) || typeof raw.name !== "string") return [];
  const given = Array.isArray(raw.arguments) ? raw.arguments.slice(0, 32) : [];
  const args = given.flatMap((one: unknown) =>
    isObject(one) && typeof one.name === "string" && one.name.length <= 64
      ? [{ ...texts(one, { name: 64, description: 1_000 }), required: one.required === true }]
      : [],
  );
  // One whose arguments cannot all be read could not be filled.
  if (Array.isArray(raw.arguments) && args.length !== raw.arguments.length) return [];
  return [{ ...texts(raw, { name: 256, title: 200, description: 2_000 }), arguments: args }];
}

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
  return toListing(answer.tools.map(toDefinition), leftOf(answer));
}

/** Its prompts, likewise. */
export async function listPrompts(client: Client, signal: AbortSignal, timeout: number): Promise<Listing> {
  if (client.getServerCapabilities()?.prompts === undefined) return { tools: [], left: 0 };
  const answer = await client.listPrompts(undefined, { signal, timeout, cacheMode: "refresh" });
  return toListing(answer.prompts.map(toPromptDefinition), leftOf(answer));
}

/** What a server offers to be read, under the URIs that it has here. */
export interface Readable {
  readonly resources: readonly ListedResource[];
  readonly templates: readonly ListedTemplate[];
}

/** Its resources and their templates; undefined where it has none. */
export async function listResources(
  client: Client,
  source: string,
  { signal, timeout }: { readonly signal: AbortSignal; readonly timeout: number },
): Promise<Readable | undefined> {
  if (client.getServerCapabilities()?.resources === undefined) return undefined;
  const asking = { signal, timeout, cacheMode: "refresh" as const };
  const { resources } = await client.listResources(undefined, asking);
  // Not every server that has resources knows of templates.
  const { resourceTemplates } = await client
    .listResourceTemplates(undefined, asking)
    .catch(() => ({ resourceTemplates: [] }));
  const seen = new Set<string>();
  let room = longestListing;
  const listed = resources.slice(0, kinds.resources?.most).flatMap(({ uri: theirs, name, mimeType, size }) => {
    const uri = toResourceUri(source, theirs);
    if (uri === undefined || seen.has(uri) || room < uri.length) return [];
    seen.add(uri);
    room -= uri.length + name.length;
    return [{ uri, name, mimeType: mimeType ?? "application/octet-stream", ...(size !== undefined && { size }) }];
  });
  return {
    resources: listed.sort((a, b) => (a.uri < b.uri ? -1 : 1)),
    templates: resourceTemplates.slice(0, kinds.resourceTemplates?.most).map(({ uriTemplate, ...template }) => ({
      uriTemplate: toResourceScheme(source) + uriTemplate,
      name: template.name,
      ...(template.description !== undefined && { description: template.description }),
      ...(template.mimeType !== undefined && { mimeType: template.mimeType }),
    })),
  };
}

const leftOf = ({ _meta }: { readonly _meta?: Readonly<Record<string, unknown>> | undefined }): number =>
  Number(_meta?.[overKey] ?? 0);

function toListing(definitions: readonly Definition[], left: number): Listing {
  const tools = new Map<string, Definition>();
  let room = longestListing;
  for (const definition of definitions) {
    if (tools.size >= mostTools) break;
    const { name } = definition;
    // Of two tools with one name, neither can be told from the other.
    if (tools.has(name) || name === "" || name.length > 256) continue;
    room -= JSON.stringify(definition).length;
    if (room < 0) break;
    tools.set(name, definition);
  }
  return { tools: [...tools.values()], left: left + definitions.length - tools.size };
}

const toPromptDefinition = (prompt: Prompt): Definition => ({
  name: prompt.name,
  ...(prompt.title !== undefined && { title: prompt.title }),
  ...(prompt.description !== undefined && { description: prompt.description }),
  input: prompt.arguments ?? [],
});

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
