import { codes, toUri } from "@portcullis/contracts";
import { expect, test } from "vitest";

test("a path's URI escapes what a URI gives meaning to", () => {
  expect(toUri({ kind: "path", path: "/a b/c#d?e%f" })).toBe("file:///a%20b/c%23d%3Fe%25f");
});

test("codes keep clear of the numbers that MCP reserves", () => {
  for (const { jsonRpc } of Object.values(codes)) {
    expect(jsonRpc <= -32_020 && jsonRpc >= -32_099).toBe(false);
    expect(jsonRpc).not.toBe(-32_002);
  }
});
