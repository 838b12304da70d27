import { readFile, stat } from "node:fs/promises";
import { LineCounter, parseDocument } from "yaml";
import { find, isObject, type JsonSchema } from "../../upstream/read-schema.ts";
import { DocumentFault } from "./fault.ts";

/** An OpenAPI document: read, bounded, valid, and with references into itself only. */
export interface ApiDocument {
  readonly root: JsonSchema;
  /** Schemas of 3.0 are a dialect of their own; those of 3.1 are JSON Schema. */
  readonly dialect: "3.0" | "3.1";
}

const bounds = { json: 16_777_216, yaml: 4_194_304, depth: 128, nodes: 1_000_000, references: 16 } as const;

/** Reads an OpenAPI document from a file, as JSON or YAML. Throws `DocumentFault`. Nothing that the document names is fetched. */
export async function readDocument(file: string): Promise<ApiDocument> {
  let text: string;
  try {
    const { size } = await stat(file);
    if (size > bounds.json) throw new Error(`it has ${size} bytes; at most ${bounds.json} are read`);
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new DocumentFault(
      "",
      `cannot be read: ${(error as Error).message}`,
      "Correct `document` in the configuration.",
    );
  }
  return toDocument(parse(text.replace(/^\uFEFF/, "")));
}

/** Judges what a file held. Throws `DocumentFault`. */
export async function toDocument(root: unknown): Promise<ApiDocument> {
  if (!isObject(root)) throw new DocumentFault("", "is no mapping of keys", "Write an OpenAPI 3.0 or 3.1 document.");
  if (typeof root.swagger === "string")
    throw new DocumentFault("#/swagger", `is of Swagger ${root.swagger}`.slice(0, 100), "Convert it to OpenAPI 3.");
  const [, dialect] = /^(3\.[01])\.\d+(-\S*)?$/.exec(String(root.openapi)) ?? [];
  if (dialect === undefined)
    throw new DocumentFault("#/openapi", "is not of OpenAPI 3.0 or 3.1", "Write the version that it is of.");
  survey(root);
  await validate(root);
  return { root, dialect: dialect as ApiDocument["dialect"] };
}

function parse(text: string): unknown {
  if (/^\s*[{[]/.test(text)) {
    try {
      return JSON.parse(text);
    } catch (error) {
      // YAML may begin with a brace too; what is meant as JSON is told about as such.
      if (text.length > bounds.yaml || /^\s*\{\s*"/.test(text))
        throw new DocumentFault("", `is no JSON: ${(error as Error).message}`, "Correct it there.");
    }
  }
  if (text.length > bounds.yaml)
    throw new DocumentFault("", `is longer than ${bounds.yaml} characters of YAML`, "Give it as JSON.");
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
    const [broken] = document.errors;
    if (broken) {
      const { line, col } = lines.linePos(broken.pos[0]);
      throw new DocumentFault(
        `line ${line}, column ${col}`,
        `is no YAML: ${broken.message.split("\n")[0]}`,
        "Correct it there.",
      );
    }
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    if (error instanceof DocumentFault) throw error;
    throw new DocumentFault(
      "",
      `cannot be read as YAML: ${(error as Error).message}`,
      "Give it as JSON, without aliases.",
    );
  }
}

/** Keys under which a document quotes values, in which a `$ref` is a text like any other. */
const quoted = /^(example|examples|default|enum|const|x-.*)$/;

/** Looks at every part once, without recursion: how deep, how many, and where references lead. */
function survey(root: JsonSchema): void {
  let nodes = 0;
  const waiting: { readonly value: unknown; readonly place: string; readonly depth: number; readonly data: boolean }[] =
    [{ value: root, place: "#", depth: 0, data: false }];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const { value, place, depth, data } = at;
    if (typeof value !== "object" || value === null) continue;
    if (++nodes > bounds.nodes)
      throw new DocumentFault("", `has more than ${bounds.nodes} parts`, "Leave out what is not offered here.");
    if (depth > bounds.depth)
      throw new DocumentFault(place, `is nested more than ${bounds.depth} deep`, "Write it flatter, with references.");
    for (const [key, inner] of Object.entries(value)) {
      if (key === "$ref" && typeof inner === "string" && !data && !/^#(\/|$)/.test(inner))
        throw new DocumentFault(
          place,
          `refers to ${JSON.stringify(inner.slice(0, 200))}, which is outside of it and is never fetched`,
          "Bundle the document into one file first.",
        );
      if (typeof inner === "object")
        waiting.push({
          value: inner,
          place: `${place}/${key.slice(0, 60)}`,
          depth: depth + 1,
          data: data || quoted.test(key),
        });
    }
  }
}

async function validate(root: JsonSchema): Promise<void> {
  const { Validator } = await import("@seriousme/openapi-schema-validator");
  const { valid, errors } = await new Validator().validate(root as Record<string, unknown>);
  if (valid) return;
  if (!Array.isArray(errors)) throw new DocumentFault("", `is not valid: ${errors}`, "Correct it.");
  // Of all that fails in a choice, what is deepest was meant.
  const [worst] = [...errors].sort((a, b) => b.instancePath.length - a.instancePath.length);
  throw new DocumentFault(
    `#${worst?.instancePath ?? ""}`,
    `is not valid: ${worst?.message ?? "it fits no schema"}`,
    "Correct it there.",
  );
}

/** What stands at a place, references followed. Throws `DocumentFault` for one that leads nowhere or round in a circle. */
export function follow({ root }: ApiDocument, value: unknown, place: string): JsonSchema {
  let at = value;
  for (let steps = 0; isObject(at) && typeof at.$ref === "string"; steps++) {
    if (steps >= bounds.references)
      throw new DocumentFault(place, "refers to itself", "Write what is meant in the place of the reference.");
    const { $ref } = at;
    at = find(root, $ref);
    if (at === undefined)
      throw new DocumentFault(place, `refers to ${$ref.slice(0, 200)}, which is not there`, "Correct the reference.");
  }
  if (!isObject(at)) throw new DocumentFault(place, "has no object where one belongs", "Correct it there.");
  return at;
}
