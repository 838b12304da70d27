import { RE2JS } from "re2js";
import { find, isObject, type JsonSchema } from "./read-schema.ts";

/** What does not fit, in ajv's words. */
export interface Misfit {
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly keyword: string;
  readonly message: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Judges a value; after a no, `errors` holds the first misfit. */
export interface Check {
  (value: unknown): boolean;
  errors: readonly Misfit[] | null;
}

/** Steps that one judgement may take, and how deep it may go: what takes more does not fit. */
const mostSteps = 200_000;
const deepest = 64;
const longestPattern = 500;
const largestProgram = 1_000;

/**
 * A judge of a stranger's schema. The schema is walked and never made into code, in a bounded number of steps, its patterns by RE2: nothing that it
 * says, and no argument with it, holds the server up. A pattern that RE2 cannot read is left to the stranger.
 */
export function createCheck(schema: JsonSchema): Check {
  const patterns = new Map<string, RE2JS | null>();
  const check: Check = (value) => {
    const walk: Walk = { root: schema, patterns, steps: mostSteps };
    try {
      const misfit = judge(walk, schema, { value, path: "", depth: 0 });
      check.errors = misfit ? [misfit] : null;
    } catch (error) {
      // Deeper than the stack is too much too.
      if (!(error instanceof TooMuch || error instanceof RangeError)) throw error;
      check.errors = [misfitOf("", "size", "takes more steps to check than are taken")];
    }
    return check.errors === null;
  };
  check.errors = null;
  return check;
}

class TooMuch extends Error {}

interface Walk {
  readonly root: JsonSchema;
  readonly patterns: Map<string, RE2JS | null>;
  steps: number;
}

interface Given {
  readonly value: unknown;
  readonly path: string;
  readonly depth: number;
}

const misfitOf = (path: string, keyword: string, message: string, params: Misfit["params"] = {}): Misfit => ({
  instancePath: path,
  schemaPath: `#/${keyword}`,
  keyword,
  message,
  params,
});

function spend(walk: Walk, steps: number): void {
  walk.steps -= steps;
  if (walk.steps < 0) throw new TooMuch();
}

function judge(walk: Walk, schema: unknown, given: Given): Misfit | undefined {
  spend(walk, 1);
  if (given.depth > deepest) throw new TooMuch();
  if (schema === false) return misfitOf(given.path, "false schema", "must not be there");
  if (!isObject(schema)) return undefined;
  const { value, path } = given;
  if (typeof schema.$ref === "string") {
    const misfit = judge(walk, find(walk.root, schema.$ref), { ...given, depth: given.depth + 1 });
    if (misfit) return misfit;
  }
  if (schema.type !== undefined && !hasType(value, schema.type))
    return misfitOf(path, "type", `must be ${[schema.type].flat().join(" or ")}`, { type: schema.type });
  if (Array.isArray(schema.enum)) {
    spend(walk, schema.enum.length);
    if (!schema.enum.some((one) => equal(walk, one, value)))
      return misfitOf(path, "enum", "must be equal to one of the allowed values", { allowedValues: schema.enum });
  }
  if (schema.const !== undefined && !equal(walk, schema.const, value))
    return misfitOf(path, "const", "must be equal to constant", { allowedValue: schema.const });
  return judgeKind(walk, schema, given) ?? judgeChoices(walk, schema, given);
}

function judgeKind(walk: Walk, schema: JsonSchema, given: Given): Misfit | undefined {
  const { value } = given;
  if (typeof value === "string") return judgeText(walk, schema, { ...given, value });
  if (typeof value === "number") return judgeNumber(schema, value, given.path);
  if (Array.isArray(value)) return judgeList(walk, schema, { ...given, value });
  return isObject(value) ? judgeObject(walk, schema, { ...given, value }) : undefined;
}

const limit = (schema: JsonSchema, keyword: string, otherwise: number): number =>
  typeof schema[keyword] === "number" ? schema[keyword] : otherwise;

function judgeText(
  walk: Walk,
  schema: JsonSchema,
  { value, path }: Given & { readonly value: string },
): Misfit | undefined {
  const { minLength, maxLength, pattern } = schema;
  spend(walk, value.length >> 4);
  const length = minLength === undefined && maxLength === undefined ? 0 : [...value].length;
  if (length < limit(schema, "minLength", 0))
    return misfitOf(path, "minLength", `must NOT have fewer than ${minLength} characters`);
  if (length > limit(schema, "maxLength", Infinity))
    return misfitOf(path, "maxLength", `must NOT have more than ${maxLength} characters`);
  if (typeof pattern !== "string") return undefined;
  const matcher = patternOf(walk, pattern);
  // RE2 reads each character once, in time that the pattern's size bounds.
  if (matcher) spend(walk, value.length * (1 + (matcher.programSize() >> 6)));
  return matcher && !matcher.test(value)
    ? misfitOf(path, "pattern", `must match pattern ${JSON.stringify(pattern)}`, { pattern })
    : undefined;
}

function patternOf({ patterns }: Walk, pattern: string): RE2JS | null {
  let matcher = patterns.get(pattern);
  if (matcher === undefined) {
    matcher = compile(pattern);
    patterns.set(pattern, matcher);
  }
  return matcher;
}

function compile(pattern: string): RE2JS | null {
  if (pattern.length > longestPattern) return null;
  try {
    const matcher = RE2JS.compile(pattern);
    return matcher.programSize() > largestProgram ? null : matcher;
  } catch {
    return null;
  }
}

function judgeNumber(schema: JsonSchema, value: number, path: string): Misfit | undefined {
  const { multipleOf } = schema;
  if (value < limit(schema, "minimum", -Infinity)) return misfitOf(path, "minimum", `must be >= ${schema.minimum}`);
  if (value > limit(schema, "maximum", Infinity)) return misfitOf(path, "maximum", `must be <= ${schema.maximum}`);
  if (value <= limit(schema, "exclusiveMinimum", -Infinity))
    return misfitOf(path, "exclusiveMinimum", `must be > ${schema.exclusiveMinimum}`);
  if (value >= limit(schema, "exclusiveMaximum", Infinity))
    return misfitOf(path, "exclusiveMaximum", `must be < ${schema.exclusiveMaximum}`);
  const times = typeof multipleOf === "number" && multipleOf > 0 ? value / multipleOf : 0;
  return Math.abs(times - Math.round(times)) > 1e-9 * Math.max(1, Math.abs(times))
    ? misfitOf(path, "multipleOf", `must be multiple of ${multipleOf}`)
    : undefined;
}

function judgeList(
  walk: Walk,
  schema: JsonSchema,
  { value, path, depth }: Given & { readonly value: readonly unknown[] },
): Misfit | undefined {
  if (value.length < limit(schema, "minItems", 0))
    return misfitOf(path, "minItems", `must NOT have fewer than ${schema.minItems} items`);
  if (value.length > limit(schema, "maxItems", Infinity))
    return misfitOf(path, "maxItems", `must NOT have more than ${schema.maxItems} items`);
  if (schema.uniqueItems === true) {
    for (let index = 1; index < value.length; index++)
      for (let before = 0; before < index; before++)
        if (equal(walk, value[index], value[before]))
          return misfitOf(path, "uniqueItems", "must NOT have duplicate items");
  }
  const first = Array.isArray(schema.prefixItems) ? schema.prefixItems : [];
  for (const [index, item] of value.entries()) {
    const misfit = judge(walk, first[index] ?? schema.items, {
      value: item,
      path: `${path}/${index}`,
      depth: depth + 1,
    });
    if (misfit) return misfit;
  }
  return undefined;
}

function judgeObject(
  walk: Walk,
  schema: JsonSchema,
  { value, path, depth }: Given & { readonly value: Readonly<Record<string, unknown>> },
): Misfit | undefined {
  for (const name of Array.isArray(schema.required) ? schema.required : [])
    if (!Object.hasOwn(value, name))
      return misfitOf(path, "required", `must have required property '${name}'`, { missingProperty: name });
  const names = Object.keys(value);
  spend(walk, names.length);
  if (names.length < limit(schema, "minProperties", 0) || names.length > limit(schema, "maxProperties", Infinity))
    return misfitOf(path, "properties", "must have another number of properties");
  const known = isObject(schema.properties) ? schema.properties : {};
  const byPattern = isObject(schema.patternProperties) ? Object.entries(schema.patternProperties) : [];
  for (const name of names) {
    const at: Given = { value: value[name], path: `${path}/${name}`, depth: depth + 1 };
    const own = Object.hasOwn(known, name);
    const misfit = own ? judge(walk, known[name], at) : undefined;
    if (misfit) return misfit;
    let matched = own;
    for (const [pattern, inner] of byPattern) {
      spend(walk, 1 + name.length);
      // A pattern that cannot be read may mean any name.
      const matcher = patternOf(walk, pattern);
      if (matcher && !matcher.test(name)) continue;
      matched = true;
      const other = matcher ? judge(walk, inner, at) : undefined;
      if (other) return other;
    }
    if (matched || schema.additionalProperties === undefined) continue;
    if (schema.additionalProperties === false)
      return misfitOf(path, "additionalProperties", "must NOT have additional properties", {
        additionalProperty: name,
      });
    const further = judge(walk, schema.additionalProperties, at);
    if (further) return further;
  }
  return undefined;
}

function judgeChoices(walk: Walk, schema: JsonSchema, given: Given): Misfit | undefined {
  const within: Given = { ...given, depth: given.depth + 1 };
  const fits = (one: unknown): boolean => judge(walk, one, within) === undefined;
  for (const one of Array.isArray(schema.allOf) ? schema.allOf : []) {
    const misfit = judge(walk, one, within);
    if (misfit) return misfit;
  }
  if (Array.isArray(schema.anyOf) && !schema.anyOf.some(fits))
    return misfitOf(given.path, "anyOf", "must match a schema in anyOf");
  if (Array.isArray(schema.oneOf) && schema.oneOf.filter(fits).length !== 1)
    return misfitOf(given.path, "oneOf", "must match exactly one schema in oneOf");
  return schema.not !== undefined && fits(schema.not) ? misfitOf(given.path, "not", "must NOT be valid") : undefined;
}

function hasType(value: unknown, type: unknown): boolean {
  return [type].flat().some((name) => {
    switch (name) {
      case "null":
        return value === null;
      case "array":
        return Array.isArray(value);
      case "object":
        return isObject(value);
      case "integer":
        return Number.isInteger(value);
      default:
        return typeof value === name;
    }
  });
}

function equal(walk: Walk, a: unknown, b: unknown): boolean {
  spend(walk, 1);
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((one, index) => equal(walk, one, b[index]));
  if (!isObject(a) || !isObject(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && equal(walk, a[name], b[name]))
  );
}
