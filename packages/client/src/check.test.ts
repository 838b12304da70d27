import { methodSchemas, notificationSchemas } from "@portcullis/contracts";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkOf } from "./check.ts";

// biome-ignore lint/suspicious/noExplicitAny: a schema is walked as the JSON that it is
type Json = any;

/** Values that fit a schema, by the keywords that the contracts use; any other keyword is an error, so that none goes unproved. */
function fitting(schema: Json): fc.Arbitrary<unknown> {
  const unknown = Object.keys(schema).filter((key) => !known.has(key));
  if (unknown.length > 0) throw new Error(`no values are made for the keyword ${unknown.join(", ")}`);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(fitting));
  if ("const" in schema) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case "string":
      if (schema.pattern) return fc.stringMatching(new RegExp(schema.pattern));
      return fc.string({ minLength: schema.minLength ?? 0, maxLength: Math.min(schema.maxLength ?? 12, 12) });
    case "integer":
    case "number":
      return fc.integer({ min: schema.minimum ?? -9, max: schema.maximum ?? (schema.minimum ?? 0) + 99 });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array":
      return fc.array(fitting(schema.items), { minLength: schema.minItems ?? 0, maxLength: 3 });
    case "object": {
      if (schema.patternProperties) return fc.dictionary(fc.string(), fitting(schema.patternProperties["^.*$"]));
      const made = Object.entries(schema.properties ?? {}).map(([key, value]) => [key, fitting(value)]);
      return fc.record(Object.fromEntries(made), { requiredKeys: schema.required ?? [] });
    }
    default:
      return fc.jsonValue();
  }
}
const known = new Set(
  `$id title description default type properties required additionalProperties patternProperties items minItems maxItems minLength maxLength pattern
  minimum maximum enum const anyOf`.split(/\s+/),
);

const odd = ["", "x".repeat(70_000), "\u{1F600}", 0, -1, 1.5, 2 ** 53, true, false, null, [], {}, [null], { a: 1 }];

/** The value with one thing in it changed: replaced, taken away, or put beside. `at` and `by` choose which and how. */
function changed(value: unknown, at: number, by: number): unknown {
  if (typeof value !== "object" || value === null || at % 4 === 0) return odd[by % odd.length];
  const keys = Object.keys(value);
  const key = keys[at % (keys.length || 1)];
  if (Array.isArray(value)) {
    return at % 3 === 0 || key === undefined
      ? [...value, odd[by % odd.length]]
      : value.with(Number(key), changed(value[Number(key)], at >> 2, by));
  }
  const entries = Object.entries(value);
  if (key === undefined || at % 5 === 0) return Object.fromEntries([...entries, [by % 2 ? "__proto__" : "more", 1]]);
  if (at % 3 === 0) return Object.fromEntries(entries.filter(([name]) => name !== key));
  return Object.fromEntries(entries.map(([name, inner]) => [name, name === key ? changed(inner, at >> 2, by) : inner]));
}

const results = Object.entries(methodSchemas).map(([name, { result }]) => [name, result] as const);
const told = Object.entries(notificationSchemas);

describe("what the server's validator takes and refuses, the client's takes and refuses", () => {
  test.each([...results, ...told])("%s", (_, schema) => {
    const check = checkOf(schema);
    const reference = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema);
    const seen = { taken: 0, refused: 0 };
    const agree = (value: unknown): void => {
      const crossed: unknown = JSON.parse(JSON.stringify(value));
      const takes = check(crossed) === undefined;
      expect(takes, JSON.stringify(crossed).slice(0, 300)).toBe(reference(crossed));
      seen[takes ? "taken" : "refused"] += 1;
    };
    const place = fc.nat(1_000_000);
    fc.assert(
      fc.property(fitting(schema), place, place, (value, at, by) => {
        agree(value);
        agree(changed(value, at, by));
      }),
      { numRuns: 150 },
    );
    expect(seen.taken).toBeGreaterThanOrEqual(150);
    expect(seen.refused).toBeGreaterThan(10);
  });

  test("the contracts' own schema is left as it was, and no value at all fits none", () => {
    const before = Object.getOwnPropertyNames(methodSchemas["tools.call"].result);
    expect(checkOf(methodSchemas["tools.call"].result)(undefined)).toMatch(/no value/);
    expect(Object.getOwnPropertyNames(methodSchemas["tools.call"].result)).toEqual(before);
  });
});
