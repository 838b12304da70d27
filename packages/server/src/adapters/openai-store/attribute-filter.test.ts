import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { AttributeFilter, fulfils } from "./attribute-filter.ts";

const attributes = { kind: "paper", year: 2024, open: true };
const compare = (type: string, key: string, value: unknown): AttributeFilter =>
  ({ type, key, value }) as AttributeFilter;

test.each<[string, string, unknown, boolean]>([
  ["eq", "kind", "paper", true],
  ["eq", "kind", "note", false],
  ["ne", "kind", "note", true],
  ["ne", "kind", "paper", false],
  ["gt", "year", 2023, true],
  ["gt", "year", 2024, false],
  ["gte", "year", 2024, true],
  ["lt", "year", 2024, false],
  ["lte", "year", 2024, true],
  ["eq", "open", true, true],
  ["eq", "open", false, false],
  ["in", "year", [2023, 2024], true],
  ["in", "kind", ["note"], false],
  ["nin", "kind", ["note"], true],
  ["nin", "kind", ["paper"], false],
  // What is missing or of another type fulfils nothing, not even a "not".
  ["ne", "author", "me", false],
  ["nin", "author", ["me"], false],
  ["ne", "toString", "me", false],
  ["eq", "year", "2024", false],
  ["ne", "year", "2023", false],
  ["in", "open", ["true"], false],
])("%s %s %j: %s", (type, key, value, expected) => {
  expect(fulfils(attributes, compare(type, key, value))).toBe(expected);
});

test("several comparisons are joined by and, or", () => {
  const yes = { type: "eq" as const, key: "kind", value: "paper" };
  const no = { ...yes, value: "note" };
  expect(fulfils(attributes, { type: "and", filters: [yes, no] })).toBe(false);
  expect(fulfils(attributes, { type: "and", filters: [yes, yes] })).toBe(true);
  expect(fulfils(attributes, { type: "or", filters: [no, yes] })).toBe(true);
  expect(fulfils(attributes, { type: "or", filters: [no, no] })).toBe(false);
});

test("the schema knows these filters and no others", () => {
  const accepts = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(AttributeFilter);
  expect(accepts({ type: "in", key: "year", value: [2024] })).toBe(true);
  expect(accepts({ type: "and", filters: [{ type: "eq", key: "a", value: "b" }] })).toBe(true);
  for (const bad of [
    {},
    { type: "like", key: "a", value: "b" },
    { type: "eq", key: "", value: "b" },
    { type: "eq", key: "a" },
    { type: "in", key: "a", value: "b" },
    { type: "and", filters: [] },
    { type: "and", filters: [{ type: "or", filters: [] }] },
    { type: "eq", key: "a", value: "b", more: 1 },
  ])
    expect(accepts(bad), JSON.stringify(bad)).toBe(false);
});
