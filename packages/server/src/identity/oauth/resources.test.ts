import { describe, expect, test } from "vitest";
import { createResources } from "./resources.ts";

const local = createResources({ url: () => "http://127.0.0.1:8088", allowedHosts: [], port: 8088 });
const open = createResources({ url: () => "https://notes.example", allowedHosts: ["alias.example:443"], port: 8088 });

describe("what a token may be for", () => {
  test.each([
    "http://127.0.0.1:8088/mcp",
    "http://localhost:8088/mcp/",
    "http://[::1]:8088/sse",
    "http://127.0.0.1:8088",
    "http://127.0.0.1:8088/",
  ])("this server: %s", (resource) => expect(local.has(resource)).toBe(true));
  test.each([
    "http://127.0.0.1:8089/mcp",
    "http://127.0.0.1/mcp",
    "https://127.0.0.1:8088/mcp",
    "http://127.0.0.1:8088/other",
    "http://127.0.0.1:8088/mcp/x",
    "http://127.0.0.1:8088/mcp?x",
    "http://127.0.0.1:8088/mcp?",
    "http://127.0.0.1:8088/mcp#",
    "http://u@127.0.0.1:8088/mcp",
    "http://127.0.0.1.evil.example:8088/mcp",
    "http://evil.example:8088/mcp",
    "mcp",
    "",
    `http://127.0.0.1:8088/${"x".repeat(600)}`,
  ])("another: %s", (resource) => expect(local.has(resource)).toBe(false));

  test("a server with a public name goes by it, by its aliases, and by loopback at its own port", () => {
    for (const name of ["https://notes.example/mcp", "https://alias.example/mcp", "http://localhost:8088/mcp"])
      expect(open.has(name), name).toBe(true);
    for (const name of [
      "http://notes.example/mcp",
      "https://notes.example:8443/mcp",
      "http://alias.example/mcp",
      "http://localhost/mcp",
      "http://localhost:1/mcp",
    ])
      expect(open.has(name), name).toBe(false);
  });
});

test("the origin is the one that the client asked under, if it is the server's", () => {
  expect(local.originOf("localhost:8088")).toBe("http://localhost:8088");
  expect(open.originOf("localhost:8088")).toBe("http://localhost:8088");
  expect(open.originOf("notes.example")).toBe("https://notes.example");
  expect(open.originOf("alias.example")).toBe("https://alias.example");
  for (const host of ["evil.example", "localhost:1", "notes.example/evil", "a b", undefined])
    expect(open.originOf(host), host).toBe("https://notes.example");
});
