import { parse } from "smol-toml";
import { expect, test } from "vitest";
import { clientFiles, type Way } from "./client-entries.ts";

const http: Way = { kind: "http", url: "http://127.0.0.1:8088/mcp", tokenVariable: "PORTCULLIS_TOKEN" };
const { codex, claude } = clientFiles;

test("merging into Codex's file keeps comments and other tables, and replaces an older entry", () => {
  const before = [
    "# mine",
    'model = "gpt"',
    "[mcp_servers.portcullis]",
    'url = "http://old"',
    "[mcp_servers.portcullis.env]",
    'A = "b"',
    "[mcp_servers.other] # stays",
    'command = "x"',
  ].join("\n");
  const merged = codex?.merge(before, http) ?? "";
  expect(merged).toContain("# mine");
  expect(merged).toContain("# stays");
  expect(merged).not.toContain("http://old");
  expect(parse(merged)).toEqual({
    model: "gpt",
    mcp_servers: {
      other: { command: "x" },
      portcullis: { url: http.url, bearer_token_env_var: "PORTCULLIS_TOKEN", required: true },
    },
  });
  expect(codex?.merge(merged, http)).toBe(merged);
});

test("merging into Claude's file keeps every other key and server", () => {
  const merged = claude?.merge('{"numStartups":3,"mcpServers":{"a":{"command":"b"}}}', http) ?? "";
  expect(JSON.parse(merged)).toEqual({
    numStartups: 3,
    mcpServers: {
      a: { command: "b" },
      portcullis: {
        type: "http",
        url: http.url,
        headers: { Authorization: ["Bearer $", "{PORTCULLIS_TOKEN}"].join("") },
      },
    },
  });
});

test("a file that cannot be read is refused instead of overwritten", () => {
  expect(() => codex?.merge("[broken", http)).toThrow(SyntaxError);
  expect(() => claude?.merge("[1]", http)).toThrow(SyntaxError);
});
