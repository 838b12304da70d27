import { expect, test } from "vitest";
import { createCheck } from "../../upstream/check-value.ts";
import type { ApiDocument } from "./read-document.ts";
import { type Direction, toJsonSchema } from "./schemas.ts";

const schema = (
  dialect: ApiDocument["dialect"],
  given: unknown,
  more: Record<string, unknown> = {},
  direction: Direction = "answer",
) => toJsonSchema({ dialect, root: { components: { schemas: more } } }, given, { place: "#/x", direction });
const to = (name: string) => ({ $ref: `#/components/schemas/${name}` });

test("3.0's own words are those of JSON Schema", () => {
  const check = createCheck(
    schema("3.0", {
      type: "object",
      required: ["n", "id"],
      properties: {
        n: { type: "integer", minimum: 0, exclusiveMinimum: true },
        name: { type: "string", nullable: true },
        id: { type: "string", readOnly: true },
        $ref: { type: "string" },
        nullable: { type: "boolean" },
      },
    }),
  );
  expect(check({ n: 1, name: null, id: "x", $ref: "y", nullable: true })).toBe(true);
  expect(check({ n: 0, id: "x" })).toBe(false);
  expect(check({ n: 1, id: null })).toBe(false);
  const request = createCheck(
    schema(
      "3.0",
      { type: "object", required: ["id"], properties: { id: { type: "string", readOnly: true } } },
      {},
      "request",
    ),
  );
  expect(request({})).toBe(true);
});

test("a reference keeps its meaning wherever it stands", () => {
  const more = {
    Tree: {
      type: "object",
      properties: { of: { type: "array", items: to("Tree") }, leaf: to("Leaf") },
      additionalProperties: false,
    },
    Leaf: { type: "string", enum: ["green", "red"] },
    "a/b~c": { type: "integer" },
  };
  for (const dialect of ["3.0", "3.1"] as const) {
    const check = createCheck(schema(dialect, { anyOf: [to("Tree"), to("a~1b~0c")] }, more));
    expect(check({ of: [{ of: [{ leaf: "red" }] }] })).toBe(true);
    expect(check({ of: [{ of: [{ leaf: "blue" }] }] })).toBe(false);
    expect(check(7)).toBe(true);
  }
});

test("what is too large, leads nowhere or says nothing is told with its place", () => {
  const wide = Object.fromEntries(Array.from({ length: 3_000 }, (_, at) => [`p${at}`, { type: "string" }]));
  expect(() => schema("3.1", { type: "object", properties: wide })).toThrow(/#\/x.*not taken.*more than/);
  expect(() => schema("3.1", to("none"))).toThrow(/#\/x.*no schema/);
  expect(() => schema("3.1", { $ref: "#" })).toThrow(/no schema/);
  const chain = Object.fromEntries(Array.from({ length: 600 }, (_, at) => [`c${at}`, to(`c${at + 1}`)]));
  expect(() => schema("3.1", to("c0"), chain)).toThrow(/more than 500 schemas/);
  expect(() => schema("3.1", { $dynamicRef: "#x" })).toThrow(/only a run can tell/);
  expect(schema("3.1", true)).toEqual({});
  // One that holds nothing but itself fits nothing, and holds nobody up.
  const self = createCheck(schema("3.1", to("self"), { self: to("self") }));
  expect(self({})).toBe(false);
});
