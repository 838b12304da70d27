import { parse } from "smol-toml";
import { expect, test } from "vitest";
import { type ClientFile, clientFiles, ourName, type Way } from "./client-entries.ts";

const http: Way = { kind: "http", url: "http://127.0.0.1:8088/mcp", tokenVariable: "PORTCULLIS_TOKEN" };
const { codex, claude, vscode } = clientFiles;
const merge = (file: ClientFile | undefined, text: string): string =>
  file?.edit(text, { [ourName]: file.entry(http) }) ?? "";

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
  const merged = merge(codex, before);
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
  expect(merge(codex, merged)).toBe(merged);
});

test("merging into Claude's file keeps every other key and server", () => {
  const merged = merge(claude, '{"numStartups":3,"mcpServers":{"a":{"command":"b"}}}');
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
  expect(() => merge(codex, "[broken")).toThrow(SyntaxError);
  expect(() => merge(claude, "[1]")).toThrow(SyntaxError);
});

test("comments, indents and everything else of a file that VS Code reads stay", () => {
  const before = '{\n\t// mine\n\t"servers": {\n\t\t"a": { "command": "b" }, // keep\n\t},\n\t"inputs": [],\n}\n';
  const merged = merge(vscode, before);
  expect(merged).toContain("\t// mine");
  expect(merged).toContain("// keep");
  expect(Object.keys(vscode?.servers(merged) ?? {})).toEqual(["a", "portcullis"]);
  expect(vscode?.edit(merged, { a: undefined })).not.toContain('"command": "b"');
});

test("an entry that could not be taken away for sure leaves the file as it is", () => {
  for (const text of ['mcp_servers.a = { command = "b" }', '[mcp_servers]\na = { command = "b" }'])
    expect(() => codex?.edit(text, { a: undefined }), text).toThrow(SyntaxError);
  expect(() => claude?.edit('{"mcpServers":{"a":{},"a":{}}}', { a: undefined })).toThrow(SyntaxError);
  expect(codex?.edit('[mcp_servers."a b"]\ncommand = "c"\n', { "a b": undefined })).toBe("\n");
});

test("Gemini CLI gets its own key for HTTP, a variable that it reads, and keeps its other settings", () => {
  const merged = merge(clientFiles.gemini, '{"theme":"Dracula","mcpServers":{"a":{"httpUrl":"https://b"}}}');
  expect(JSON.parse(merged)).toEqual({
    theme: "Dracula",
    mcpServers: {
      a: { httpUrl: "https://b" },
      portcullis: { httpUrl: http.url, headers: { Authorization: "Bearer $PORTCULLIS_TOKEN" } },
    },
  });
});
