import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { document, folder, get, openApi as open, type Tree, write } from "../../../../../test/support/scripted-api.ts";
import { readDocument, toDocument } from "./read-document.ts";

describe("a document", () => {
  test.each<[string, Tree | string, RegExp]>([
    ["that is no JSON", '{"openapi": ', /is no JSON/],
    ["that is no YAML", "openapi: [\n", /line \d+, column \d+.*is no YAML/],
    ["of Swagger", { swagger: "2.0" }, /Swagger 2\.0.*Convert/],
    ["of a version to come", { ...document({}), openapi: "4.0.0" }, /#\/openapi/],
    ["that is not valid", document({ "/a": { get: { responses: 7 } } }), /At #\/paths.*not valid/],
    [
      "that refers to the web",
      document({ "/a": { get: { responses: { "200": { $ref: "https://evil.example/r" } } } } }),
      /never fetched.*Bundle/,
    ],
    ["that refers to a file", document({ "/a": { $ref: "./other.yaml#/a" } }), /never fetched/],
    [
      "that refers to nothing",
      document({ "/a": get("a", { parameters: [{ $ref: "#/components/parameters/none" }] }) }),
      /resolve|not there/,
    ],
    ["with relative servers", document({ "/a": get("a") }, { servers: [{ url: "/v1" }] }), /relative URL.*`url`/],
    [
      "with variables in its servers",
      document({ "/a": get("a") }, { servers: [{ url: "https://{place}.example" }] }),
      /variables/,
    ],
    ["without servers", document({ "/a": get("a") }, { servers: [] }), /no server/],
    [
      "whose server has a password",
      document({ "/a": get("a") }, { servers: [{ url: "https://me:pass@api.example" }] }),
      /user or a password/,
    ],
    [
      "with servers of an operation's own",
      document({ "/a": get("a", { servers: [{ url: "https://evil.example" }] }) }),
      /this operation alone/,
    ],
    ["with one operationId twice", document({ "/a": get("a"), "/b": get("a") }), /again.*2 operations/],
    ["whose path names no parameter", document({ "/a/{id}": get("a") }), /\{id\} in its path/],
  ])("%s is refused with its place and the next step", async (_, content, said) => {
    await expect(open(content as Tree, { operations: ["a"] })).rejects.toThrow(said);
  });

  test("whose references run in a circle is refused, and schemas that hold themselves are taken", async () => {
    const parameters = { one: { $ref: "#/components/parameters/two" }, two: { $ref: "#/components/parameters/one" } };
    const circle = document(
      { "/a": get("a", { parameters: [{ $ref: "#/components/parameters/one" }] }) },
      { components: { parameters } },
    );
    await expect(open(circle, { operations: ["a"] })).rejects.toThrow(/refers to itself|not valid/);
    const Node = {
      type: "object",
      properties: { name: { type: "string" }, next: { $ref: "#/components/schemas/Node" } },
      additionalProperties: false,
    };
    const content = { "application/json": { schema: { $ref: "#/components/schemas/Node" } } };
    const tree = document(
      { "/a": get("a", { responses: { "200": { description: "ok", content } } }) },
      { components: { schemas: { Node } } },
    );
    const { call } = await open(tree, {
      answers: [{ json: { name: "a", next: { name: "b" } } }, { json: { next: { name: 7 } } }],
    });
    expect(await call("a")).toMatchObject({ data: { next: { name: "b" } } });
    expect(await call("a")).toMatchObject({ misfit: "/next/name must be string" });
  });

  test("of great depth, of many parts, or of YAML that repeats itself is refused in time", async () => {
    let deep: unknown = {};
    for (let at = 0; at < 5_000; at++) deep = { properties: { a: deep } };
    await expect(toDocument(document({}, { components: { schemas: { deep } } }))).rejects.toThrow(/nested more than/);
    await expect(readDocument(write(`${"[".repeat(100_000)}`))).rejects.toThrow(/is no (JSON|YAML)|cannot be read/);
    const lines = ["openapi: 3.1.0", "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
    for (let at = 1; at < 10; at++)
      lines.push(
        `a${at}: &a${at} [${Array(10)
          .fill(`*a${at - 1}`)
          .join(", ")}]`,
      );
    await expect(readDocument(write(lines.join("\n")))).rejects.toThrow(/cannot be read as YAML|more than/);
    await expect(readDocument(write(" ".repeat(17_000_000)))).rejects.toThrow(/bytes/);
    await expect(readDocument(join(folder, "none.yaml"))).rejects.toThrow(/cannot be read.*Correct `document`/);
  });

  test("of thousands of operations offers those that are listed", async () => {
    const paths = Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`/a${at}`, get(`op${at}`)]));
    const { tools } = await open(document(paths), { operations: ["op7", "op499*"] });
    expect(tools.map(({ name }) => name)).toContain("api.op7");
    expect(tools).toHaveLength(12);
    await expect(open(document(paths))).rejects.toThrow(/more than 256 operations/);
  });
});
