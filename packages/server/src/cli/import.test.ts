import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse as parseToml } from "smol-toml";
import { afterAll, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { readSettings } from "../config/read-settings.ts";
import { readSources } from "../config/read-sources.ts";
import { importServers } from "./import.ts";

const base = mkdtempSync(join(tmpdir(), "portcullis-import-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));
let [home, data] = ["", ""];
let count = 0;
beforeEach(() => {
  home = join(base, `home-${++count}`);
  data = join(home, "data");
  mkdirSync(data, { recursive: true });
});

const key = "mK7pQ2vX9sT4wZ8bN3cJ6hL1";
const env = (): Record<string, string> => ({ HOME: home, GIVEN_TOKEN: "given-token-value" });

async function run(...words: string[]): Promise<{ status: number; text: string }> {
  const said: string[] = [];
  const flags = words.filter((word) => word.startsWith("--"));
  const values = Object.fromEntries(flags.map((flag) => [flag.slice(2), true]));
  const output = { json: false, terminal: false, out: (text: string) => said.push(text), err: () => {} };
  const positionals = words.filter((word) => !word.startsWith("--"));
  try {
    const status = await importServers.run({ values, positionals, output: output as never, env: env(), data });
    return { status, text: said.join("\n") };
  } catch (error) {
    return { status: (error as { exit?: number }).exit ?? -1, text: (error as Error).message };
  }
}

function put(file: string, text: string): string {
  const path = join(home, file);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text, { mode: 0o640 });
  return path;
}
const config = (): string => join(data, "portcullis.yaml");
const sources = () => readSources(readSettings(data, {}, env()).sources, env());
/** Every file below the home folder with what it holds. */
const everything = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(home, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path, readFileSync(path, "utf8")]),
  );

const cursorText = `{
  // my servers
  "mcpServers": {
    "Brave Search": { "command": "npx", "args": ["-y", "brave", "--api-key", "${key}"], "env": { "BRAVE_API_KEY": "${key}", "MODE": "fast" } },
    "far": { "url": "https://mcp.example.com/mcp", "headers": { "Authorization": "Bearer \${env:GIVEN_TOKEN}", "X-Key": "abc" } },
    "odd": { "command": "x", "env": { "A": "\${input:ask}" } },
    "off": { "command": "x", "disabled": true },
    "old": { "type": "sse", "url": "https://mcp.example.com/sse" },
  },
  "other": true
}
`;

test("servers move into the configuration with their secrets beside it, and Portcullis takes their place", async () => {
  const file = put(".cursor/mcp.json", cursorText);
  writeFileSync(config(), "# mine\nport: 9000 # keep\n");
  const { status, text } = await run("cursor");
  expect(status, text).toBe(0);
  for (const said of [
    "Brave Search is now the upstream brave-search",
    "far is now the upstream far",
    "odd stays",
    "off stays",
    "old stays",
  ])
    expect(text).toContain(said);
  expect(text).not.toContain(key);
  const written = readFileSync(config(), "utf8");
  expect(written).toContain("# mine");
  expect(written).toContain("# keep");
  expect(written).not.toContain(key);
  const { sources: read, secrets } = sources();
  expect(read).toMatchObject([
    {
      name: "brave-search",
      command: "npx",
      args: ["-y", "brave", "--api-key", key],
      env: { BRAVE_API_KEY: key, MODE: "fast" },
    },
    {
      name: "far",
      url: "https://mcp.example.com/mcp",
      headers: { Authorization: "Bearer given-token-value", "X-Key": "abc" },
    },
  ]);
  expect(secrets.map(({ value }) => value)).toEqual(expect.arrayContaining([key, "given-token-value"]));
  const client = readFileSync(file, "utf8");
  expect(client).toContain("// my servers");
  expect(client).not.toContain(key);
  expect(client).toContain('"portcullis"');
  expect(client).toContain("http://127.0.0.1:9000/mcp");
  expect(statSync(file).mode & 0o777).toBe(0o640);
  for (const name of readdirSync(join(data, "secrets")))
    expect(statSync(join(data, "secrets", name)).mode & 0o777).toBe(0o600);
});

test("a dry run shows the difference without a secret, and writes nothing", async () => {
  put(".cursor/mcp.json", cursorText);
  const before = everything();
  const { status, text } = await run("cursor", "--dry-run");
  expect(status, text).toBe(0);
  expect(text).toContain("+ ");
  expect(text).toContain("brave-search");
  expect(text).toContain("portcullis");
  expect(text).not.toContain(key);
  expect(text).not.toContain('"abc"');
  expect(everything()).toEqual(before);
});

test.each([
  ["cursor", ".cursor/mcp.json", cursorText],
  ["claude", ".claude.json", '{"numStartups":3,"mcpServers":{"a":{"type":"stdio","command":"b","args":[],"env":{}}}}'],
  ["claude-desktop", ".config/Claude/claude_desktop_config.json", '{"mcpServers":{"fs":{"command":"b"}}}'],
  ["vscode", ".config/Code/User/mcp.json", '{\n\t"servers": {\n\t\t"a": { "command": "b" }\n\t}\n}\n'],
  [
    "codex",
    ".codex/config.toml",
    '# mine\nmodel = "m"\n\n[mcp_servers.a]\ncommand = "b"\n[mcp_servers.a.env]\nTOKEN = "mK7pQ2vX9sT4wZ8bN3cJ6hL1"\n',
  ],
])("undoing an import from %s leaves every file as it was", async (client, name, text) => {
  if (process.platform === "darwin") return expect(client).toBeDefined();
  const file = put(name, text);
  writeFileSync(config(), "port: 9000 # keep\n");
  expect((await run(client)).status).toBe(0);
  expect(sources().sources).not.toEqual([]);
  const { status, text: said } = await run(client, "--undo");
  expect(status, said).toBe(0);
  expect(readFileSync(file, "utf8")).toBe(text);
  expect(readFileSync(config(), "utf8")).toBe("port: 9000 # keep\n");
  expect(existsSync(join(data, "secrets")) ? readdirSync(join(data, "secrets")) : []).toEqual([]);
  expect((await run(client, "--undo")).status).toBe(1);
});

test("what the client and the owner wrote since stays when an import is undone", async () => {
  const file = put(".claude.json", '{"n":1,"mcpServers":{"a":{"command":"b"},"c":{"command":"d"}}}');
  expect((await run("claude")).status).toBe(0);
  const tree = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify({ ...tree, n: 2, mcpServers: { ...tree.mcpServers, a: { command: "new" } } }));
  writeFileSync(config(), readFileSync(config(), "utf8").replace("command: d", "command: d2"));
  const { status, text } = await run("claude", "--undo");
  expect(status, text).toBe(0);
  expect(text).toContain("Changed since, so still a source: c");
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
    n: 2,
    mcpServers: { a: { command: "new" }, c: { command: "d" } },
  });
  expect(sources().sources.map(({ name }) => name)).toEqual(["c"]);
});

test("importing twice takes nothing twice, and what came since joins", async () => {
  const file = put(".claude.json", '{"mcpServers":{"a":{"command":"b"}}}');
  expect((await run("claude")).status).toBe(0);
  expect((await run("claude")).status).toBe(1);
  const tree = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(
    file,
    JSON.stringify({ mcpServers: { ...tree.mcpServers, a: { command: "other" }, git: { command: "g" } } }),
  );
  expect((await run("claude")).status).toBe(0);
  expect(sources().sources.map(({ name }) => name)).toEqual(["a", "a-2", "git-2"]);
  expect((await run("claude", "--undo")).status).toBe(0);
  expect((await run("claude", "--undo")).status).toBe(0);
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
    mcpServers: { a: { command: "other" }, git: { command: "g" } },
  });
});

test.each<[string, string, () => void]>([
  ["a client's file that cannot be read", '{"mcpServers":{', () => {}],
  ["a configuration that cannot be read", "", () => writeFileSync(config(), "port: [")],
  ["a server that the configuration cannot hold", '{"mcpServers":{"a":{"url":"http://far.example/mcp"}}}', () => {}],
  ["a configuration that would not be one", "", () => writeFileSync(config(), "port: none")],
  ["a file where the folder of secrets belongs", "", () => writeFileSync(join(data, "secrets"), "")],
  ["a place for the record that cannot be written", "", () => writeFileSync(join(data, "imports"), "")],
])("with %s nothing is written", async (_, text, prepare) => {
  put(".claude.json", text || `{"mcpServers":{"a":{"command":"b","env":{"TOKEN":"${key}"}}}}`);
  prepare();
  const before = everything();
  const { status, text: said } = await run("claude");
  expect(status).toBeGreaterThan(1);
  expect(said).not.toContain(key);
  const copies = Object.keys(everything()).filter((path) => path.includes(".before-portcullis-"));
  expect(Object.fromEntries(Object.entries(everything()).filter(([path]) => !copies.includes(path)))).toEqual(before);
});

test("when the client's file cannot be written, the configuration is taken back", async () => {
  const file = put(".claude.json", `{"mcpServers":{"a":{"command":"b","env":{"TOKEN":"${key}"}}}}`);
  const before = readFileSync(file, "utf8");
  // Where its draft would go there is a folder.
  const { applyImport } = await import("./import-steps.ts");
  const { planImport } = await import("./import-plan.ts");
  const { readTarget } = await import("./client-target.ts");
  const invocation = { values: {}, positionals: ["claude"], output: undefined as never, env: env(), data };
  const plan = planImport(invocation, readTarget("import", invocation));
  mkdirSync(`${file}.portcullis-${process.pid}`);
  expect(() => applyImport(plan, data, env())).toThrow("Nothing was imported, and all files are as they were");
  expect(readFileSync(file, "utf8")).toBe(before);
  expect(existsSync(config())).toBe(false);
  expect(readdirSync(join(data, "secrets"))).toEqual([]);
  expect((await run("claude", "--undo")).status).toBe(1);
});

test("tools that Codex did not show are hidden, and a variable for its token is read where the server runs", async () => {
  const file = put(
    ".codex/config.toml",
    '[mcp_servers.a]\nurl = "https://mcp.example.com/mcp"\nbearer_token_env_var = "GIVEN_TOKEN"\ndisabled_tools = ["drop"]\n\n[mcp_servers.b]\nurl = "https://mcp.example.com/b"\nbearer_token_env_var = "MISSING"\n',
  );
  const { text } = await run("codex");
  expect(text).toContain("b stays where it is: it needs the variable MISSING");
  expect(sources().sources).toMatchObject([
    { name: "a", headers: { Authorization: "Bearer given-token-value" }, tools: { drop: { expose: false } } },
  ]);
  expect(Object.keys((parseToml(readFileSync(file, "utf8")) as { mcp_servers: object }).mcp_servers)).toEqual([
    "b",
    "portcullis",
  ]);
  expect(parse(readFileSync(config(), "utf8")).sources).toHaveLength(1);
});
