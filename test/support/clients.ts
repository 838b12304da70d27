import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = join(import.meta.dirname, "..", "clients");
const packages = join(folder, "node_modules");

/** How a client reaches the server. */
export type Entry =
  | { readonly url: string; readonly token: string }
  | { readonly command: string; readonly args: readonly string[]; readonly env?: Readonly<Record<string, string>> };

export interface RunOptions {
  readonly server: Entry;
  /** The base URL of the scripted model. */
  readonly model: string;
  /** Milliseconds until the client is killed, 90 s unless told. */
  readonly deadline?: number;
}

export interface ClientRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The lines of JSON in stdout. */
  readonly events: readonly Readonly<Record<string, unknown>>[];
}

/** Why the real clients cannot be run here, or undefined when they can. */
export function missingClients(): string | undefined {
  if (existsSync(join(packages, ".portcullis-installed"))) return undefined;
  const reason = join(folder, ".unavailable");
  return existsSync(reason)
    ? readFileSync(reason, "utf8")
    : "The test clients are not installed: run `node scripts/install-test-clients.mjs`.";
}

const tokenVariable = "PORTCULLIS_TOKEN";

/** Codex CLI: it gets one prompt, and the scripted model does the rest. `modern` makes it speak 2026-07-28 over HTTP. */
export async function runCodex(options: RunOptions & { readonly modern?: boolean }): Promise<ClientRun> {
  const { server, model, modern = false } = options;
  return inCleanHome(async (home) => {
    const codexHome = join(home, "codex");
    mkdirSync(codexHome);
    writeFileSync(join(codexHome, "config.toml"), codexConfig(server, model));
    const args = [
      join(packages, "@openai/codex/bin/codex.js"),
      "exec",
      "--json",
      "--skip-git-repo-check",
      "--ephemeral",
      "-C",
      home,
    ];
    if (modern) args.push("--enable", "mcp_2026_07_28");
    const env = { CODEX_HOME: codexHome, ...("url" in server && { [tokenVariable]: server.token }) };
    return run(process.execPath, [...args, "go"], { home, env, deadline: options.deadline });
  });
}

/** Codex CLI with the configuration that stands in a home already, but for its model. */
export function runCodexAt(home: string, model: string): Promise<ClientRun> {
  const program = [
    join(packages, "@openai/codex/bin/codex.js"),
    "exec",
    "--json",
    "--skip-git-repo-check",
    "--ephemeral",
  ];
  const settings = [
    'model="scripted"',
    'model_provider="scripted"',
    'approval_policy="never"',
    'sandbox_mode="read-only"',
    "check_for_update_on_startup=false",
    `model_providers.scripted={name="scripted", base_url=${toml(model)}, wire_api="responses"}`,
  ];
  const args = [...program, ...settings.flatMap((setting) => ["-c", setting]), "-C", home, "go"];
  return run(process.execPath, args, { home, env: {}, deadline: undefined });
}

// JSON texts and lists of texts are TOML as well.
const toml = (value: string | readonly string[]): string => JSON.stringify(value);

function codexConfig(server: Entry, model: string): string {
  const lines = [
    'model = "scripted"',
    'model_provider = "scripted"',
    'approval_policy = "never"',
    'sandbox_mode = "read-only"',
    "check_for_update_on_startup = false",
    "[model_providers.scripted]",
    'name = "scripted"',
    `base_url = ${toml(model)}`,
    'wire_api = "responses"',
    "[mcp_servers.portcullis]",
    // Else Codex may begin before the server's tools are listed.
    "required = true",
  ];
  if ("url" in server) lines.push(`url = ${toml(server.url)}`, `bearer_token_env_var = ${toml(tokenVariable)}`);
  else {
    lines.push(`command = ${toml(server.command)}`, `args = ${toml(server.args)}`, "[mcp_servers.portcullis.env]");
    for (const [name, value] of Object.entries(server.env ?? {})) lines.push(`${toml(name)} = ${toml(value)}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Claude Code: it gets one prompt, and the scripted model does the rest. */
export async function runClaude(options: RunOptions): Promise<ClientRun> {
  const { server, model } = options;
  return inCleanHome(async (home) => {
    const config = join(home, "mcp.json");
    const entry =
      "url" in server
        ? { type: "http", url: server.url, headers: { Authorization: `Bearer ${server.token}` } }
        : { type: "stdio", command: server.command, args: server.args, env: server.env ?? {} };
    writeFileSync(config, JSON.stringify({ mcpServers: { portcullis: entry } }));
    const args = [
      "-p",
      "go",
      "--mcp-config",
      config,
      "--strict-mcp-config",
      "--output-format",
      "stream-json",
      "--verbose",
    ];
    const env = {
      ANTHROPIC_BASE_URL: model,
      ANTHROPIC_API_KEY: ["sk", "scripted"].join("-"),
      DISABLE_TELEMETRY: "1",
      DISABLE_ERROR_REPORTING: "1",
      DISABLE_AUTOUPDATER: "1",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      ENABLE_TOOL_SEARCH: "false",
    };
    const program = [
      join(packages, "@anthropic-ai/claude-code/cli-wrapper.cjs"),
      ...args,
      "--allowedTools",
      "mcp__portcullis",
    ];
    return run(process.execPath, program, { home, env, deadline: options.deadline });
  });
}

export interface InspectorOptions {
  readonly url: string;
  readonly token: string;
  /** Such as `["--method", "tools/list"]`. */
  readonly args: readonly string[];
  readonly transport?: "http" | "sse";
  /** Which revisions it speaks: the sessionful or the stateless one. */
  readonly era?: "legacy" | "modern";
  readonly deadline?: number;
}

/** MCP Inspector's command line; its stdout is one JSON document. */
export async function runInspector(options: InspectorOptions): Promise<ClientRun & { readonly answer: unknown }> {
  const { url, token, args, transport = "http", era } = options;
  return inCleanHome(async (home) => {
    const program = [
      join(packages, "@modelcontextprotocol/inspector/clients/launcher/build/index.js"),
      "--cli",
      url,
      "--transport",
      transport,
    ];
    if (era) program.push("--protocol-era", era);
    program.push("--header", `Authorization: Bearer ${token}`, ...args);
    const ran = await run(process.execPath, program, { home, env: {}, deadline: options.deadline });
    return { ...ran, answer: toJson(ran.stdout) };
  });
}

async function inCleanHome<T>(body: (home: string) => Promise<T>): Promise<T> {
  const home = mkdtempSync(join(tmpdir(), "portcullis-client-"));
  try {
    return await body(home);
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

interface Surroundings {
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  readonly deadline: number | undefined;
}

function run(
  command: string,
  args: readonly string[],
  { home, env, deadline = 90_000 }: Surroundings,
): Promise<ClientRun> {
  // A process group of its own, so that what the client starts (a stdio server) ends with it.
  const child = spawn(command, args, {
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => end(child.pid), deadline);
    child.once("error", reject);
    child.once("close", (status) => {
      clearTimeout(timer);
      end(child.pid);
      resolve({ status, stdout: stdout(), stderr: stderr(), events: toEvents(stdout()) });
    });
  });
}

function end(group: number | undefined): void {
  if (group === undefined) return;
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // Nothing of it runs any more.
  }
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  return () => text;
}

const toEvents = (text: string): readonly Record<string, unknown>[] =>
  text
    .split("\n")
    .map(toJson)
    .filter((value): value is Record<string, unknown> => typeof value === "object" && value !== null);

function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
