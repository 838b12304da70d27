/** A JSON Schema as far as it is used here: bounded, with references inside itself only. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** A stranger's schema that is not taken; `message` says what is wrong and where. */
export class SchemaFault extends Error {
  constructor(place: string, what: string) {
    super(`${place === "" ? "The schema" : `The schema at ${place}`} ${what}.`);
    this.name = "SchemaFault";
  }
}

const bounds = { depth: 24, nodes: 2_000, values: 500, text: 1_000, reference: 300, characters: 65_536 } as const;

const numbers = new Set([
  ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
  ...["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"],
]);
const texts = new Set(["title", "description", "format", "pattern", "contentEncoding", "contentMediaType"]);
const single = new Set(["items", "additionalProperties", "not", "contains", "propertyNames"]);
const lists = new Set(["anyOf", "oneOf", "allOf", "prefixItems"]);
const maps = new Set(["properties", "$defs", "definitions", "patternProperties"]);
const types = new Set(["object", "array", "string", "number", "integer", "boolean", "null"]);

/**
 * Takes over a stranger's schema word by word: what is known and within bounds is copied, unknown keywords are left out, and a reference leads into the
 * same schema or nowhere. What the copy cannot judge is left to whoever wrote the schema. Throws `SchemaFault`.
 */
export function readSchema(raw: unknown): JsonSchema {
  let nodes = 0;
  let characters = 0;

  const spend = (place: string, text: string): string => {
    characters += text.length;
    if (characters > bounds.characters) throw new SchemaFault(place, `is longer than ${bounds.characters} characters`);
    return text;
  };

  const read = (value: unknown, place: string, depth: number): JsonSchema | boolean => {
    if (typeof value === "boolean") return value;
    if (!isObject(value)) throw new SchemaFault(place, "is no schema");
    if (depth > bounds.depth) throw new SchemaFault(place, `is nested more than ${bounds.depth} deep`);
    if (++nodes > bounds.nodes) throw new SchemaFault("", `has more than ${bounds.nodes} parts`);
    const copy: Record<string, unknown> = {};
    for (const [keyword, given] of Object.entries(value)) {
      const at = `${place}/${keyword}`;
      const taken = readKeyword({ keyword, given, at, depth });
      if (taken !== undefined) copy[keyword === "definitions" ? "$defs" : keyword] = taken;
    }
    return copy;
  };

  const readKeyword = ({ keyword, given, at, depth }: Word): unknown => {
    if (keyword === "type") return readType(given, at);
    if (keyword === "$ref") return readReference(given, at, raw);
    if (keyword === "$dynamicRef" || keyword === "$recursiveRef")
      throw new SchemaFault(at, "refers to what only a run can tell");
    if (texts.has(keyword)) return typeof given === "string" ? spend(at, given.slice(0, bounds.text)) : undefined;
    if (numbers.has(keyword)) return typeof given === "number" && Number.isFinite(given) ? given : undefined;
    if (keyword === "required")
      return Array.isArray(given)
        ? given.filter((name) => typeof name === "string").slice(0, bounds.values)
        : undefined;
    if (keyword === "enum" || keyword === "examples") return readValues(given, at);
    if (keyword === "const" || keyword === "default") return readValue(given, at);
    if (keyword === "uniqueItems") return given === true ? true : undefined;
    if (single.has(keyword)) {
      // Before 2020-12 a list of items was written as `items`.
      if (Array.isArray(given)) return undefined;
      return read(given, at, depth + 1);
    }
    if (lists.has(keyword)) {
      if (!Array.isArray(given)) return undefined;
      return given.map((one, index) => read(one, `${at}/${index}`, depth + 1));
    }
    if (!maps.has(keyword) || !isObject(given)) return undefined;
    return Object.fromEntries(
      Object.entries(given).map(([name, one]) => [
        spend(at, name),
        read(one, `${at}/${name.slice(0, 100)}`, depth + 1),
      ]),
    );
  };

  const readValue = (value: unknown, at: string): unknown => {
    const text = JSON.stringify(value) ?? "null";
    spend(at, text);
    return JSON.parse(text);
  };

  const readValues = (values: unknown, at: string): readonly unknown[] | undefined => {
    if (!Array.isArray(values)) return undefined;
    if (values.length > bounds.values) throw new SchemaFault(at, `lists more than ${bounds.values} values`);
    return values.map((value) => readValue(value, at));
  };

  const schema = read(raw, "", 0);
  if (typeof schema === "boolean") throw new SchemaFault("", "is no object");
  return schema;
}

/** Reads the schema of a tool's arguments, which are always an object. */
export function readArgumentsSchema(raw: unknown): JsonSchema {
  const schema = readSchema(raw ?? { type: "object" });
  if (schema.type !== undefined && schema.type !== "object") throw new SchemaFault("", "describes no object");
  return { ...schema, type: "object", properties: schema.properties ?? {} };
}

interface Word {
  readonly keyword: string;
  readonly given: unknown;
  readonly at: string;
  readonly depth: number;
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function readType(given: unknown, at: string): string | readonly string[] {
  const names = Array.isArray(given) ? given : [given];
  if (names.length === 0 || !names.every((name) => types.has(name as string)))
    throw new SchemaFault(at, "names no type");
  return given as string | readonly string[];
}

function readReference(given: unknown, at: string, root: unknown): string {
  // Each use of a reference walks it, so a long one would cost more than it says.
  if (typeof given !== "string" || !/^#(\/|$)/.test(given) || given.length > bounds.reference)
    throw new SchemaFault(
      at,
      `refers to ${JSON.stringify(given)?.slice(0, 100)}, which is outside of it and is not read`,
    );
  if (find(root, given) === undefined)
    throw new SchemaFault(at, `refers to ${given.slice(0, 100)}, which is not there`);
  return given.replace(/^#\/definitions\//, "#/$defs/");
}

/** What a reference (`#/$defs/name`) leads to; undefined when there is nothing. */
export function find(root: unknown, reference: string): unknown {
  let at: unknown = root;
  for (const step of reference.split("/").slice(1)) {
    const name = decode(step).replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(at)) at = at[Number(name)];
    else if (isObject(at) && Object.hasOwn(at, name)) at = at[name];
    else return undefined;
  }
  return at;
}

function decode(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}
