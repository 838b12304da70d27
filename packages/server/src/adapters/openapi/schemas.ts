import { fromSchema } from "@openapi-contrib/openapi-schema-to-json-schema";
import { find, isObject, type JsonSchema, readSchema, SchemaFault } from "../../upstream/read-schema.ts";
import { DocumentFault } from "./fault.ts";
import type { ApiDocument } from "./read-document.ts";

/** Which way values go: what can only be read is no part of a request, what can only be written none of an answer. */
export type Direction = "request" | "answer";

const single = ["items", "additionalProperties", "not", "contains", "propertyNames"];
const lists = ["anyOf", "oneOf", "allOf", "prefixItems"];
const maps = ["properties", "patternProperties", "$defs", "definitions"];
const mostReferred = 500;

/**
 * A schema of the document as one that stands alone: in JSON Schema's words, with all that it refers to beneath it, bounded, and without anything that
 * could only be judged by running it. Cycles are kept as references. Throws `DocumentFault`.
 */
export function toJsonSchema(document: ApiDocument, schema: unknown, { place, direction }: Wanted): JsonSchema {
  const names = new Map<string, string>();
  const $defs: Record<string, unknown> = {};
  const waiting: string[] = [];
  const nameOf = (reference: string): string => {
    const known = names.get(reference);
    if (known !== undefined) return known;
    if (names.size >= mostReferred)
      throw new DocumentFault(place, `refers to more than ${mostReferred} schemas`, "Leave this operation out.");
    const name = `s${names.size}`;
    names.set(reference, name);
    waiting.push(reference);
    return name;
  };
  const dialect = (one: unknown): unknown => (document.dialect === "3.0" ? fromOpenApi(one, direction) : one);
  const root = relate(dialect(schema), nameOf);
  for (let reference = waiting.pop(); reference !== undefined; reference = waiting.pop()) {
    const found = find(document.root, reference);
    if (found === undefined || reference === "#")
      throw new DocumentFault(
        place,
        `refers to ${reference.slice(0, 200)}, which is no schema`,
        "Correct the reference.",
      );
    $defs[nameOf(reference)] = relate(dialect(found), nameOf);
  }
  try {
    if (root === true) return {};
    return readSchema(
      isObject(root) && names.size > 0
        ? { ...root, $defs: { ...(isObject(root.$defs) && root.$defs), ...$defs } }
        : root,
    );
  } catch (error) {
    if (!(error instanceof SchemaFault)) throw error;
    throw new DocumentFault(
      place,
      `has a schema that is not taken. ${error.message}`,
      "Leave this operation out, or make its schema simpler.",
    );
  }
}

interface Wanted {
  readonly place: string;
  readonly direction: Direction;
}

/** A schema in the words of OpenAPI 3.0 in those of JSON Schema. */
function fromOpenApi(schema: unknown, direction: Direction): unknown {
  if (!isObject(schema)) return schema;
  return fromSchema(JSON.parse(JSON.stringify(schema)) as Record<string, unknown>, {
    strictMode: false,
    cloneSchema: false,
    removeReadOnly: direction === "request",
    removeWriteOnly: direction === "answer",
  });
}

/** Copies a schema with each reference into the document turned into one into `$defs`, and draft 4's flags into numbers. */
function relate(schema: unknown, nameOf: (reference: string) => string): unknown {
  if (!isObject(schema)) return schema;
  const copy: Record<string, unknown> = { ...schema };
  if (typeof schema.$ref === "string") copy.$ref = `#/$defs/${nameOf(schema.$ref)}`;
  for (const [flag, bound] of [
    ["exclusiveMinimum", "minimum"],
    ["exclusiveMaximum", "maximum"],
  ] as const) {
    if (typeof schema[flag] !== "boolean") continue;
    delete copy[flag];
    if (schema[flag] && typeof schema[bound] === "number") {
      copy[flag] = schema[bound];
      delete copy[bound];
    }
  }
  for (const keyword of single) if (isObject(schema[keyword])) copy[keyword] = relate(schema[keyword], nameOf);
  for (const keyword of lists) {
    const list = schema[keyword];
    if (Array.isArray(list)) copy[keyword] = list.map((one) => relate(one, nameOf));
  }
  for (const keyword of maps) {
    const map = schema[keyword];
    if (isObject(map))
      copy[keyword] = Object.fromEntries(Object.entries(map).map(([name, one]) => [name, relate(one, nameOf)]));
  }
  return copy;
}
