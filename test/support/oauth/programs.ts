import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const packages = join(import.meta.dirname, "..", "..", "clients", "node_modules");

/** A program that a person logs in with: it prints a URL for the browser, and waits for the browser to come back. */
export interface Program {
  /** Everything that it has written. */
  output(): string;
  /** The first match of a pattern in what it writes. */
  wrote(pattern: RegExp, withinMs?: number): Promise<RegExpExecArray>;
  /** The URL that it opened in the browser. */
  opened(withinMs?: number): Promise<string>;
  ended(withinMs?: number): Promise<number | null>;
  kill(): void;
}

export interface Start {
  readonly script: string;
  readonly args: readonly string[];
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it believes to be at a terminal: some ask nothing otherwise. */
  readonly terminal?: boolean;
}

/** Starts a program of the test clients in a home of its own. What it opens in the browser, it writes. */
export function start({ script, args, home, env = {}, terminal = false }: Start): Program {
  const browser = join(home, "xdg-open");
  const opened = join(home, "opened");
  writeFileSync(browser, `#!/bin/sh\nprintf '%s\\n' "$1" >> ${JSON.stringify(opened)}\n`, { mode: 0o755 });
  const command = [process.execPath, join(packages, script), ...args];
  const inTerminal = ["script", "-qec", command.map((word) => `'${word}'`).join(" "), "/dev/null"];
  const [program = "", ...words] = terminal ? inTerminal : command;
  const child: ChildProcess = spawn(program, words, {
    cwd: home,
    env: { PATH: `${home}:${process.env.PATH}`, HOME: home, BROWSER: browser, DISPLAY: ":0", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
    });
  const over = new Promise<number | null>((resolve) => child.once("close", resolve));
  const within = async <T>(promise: Promise<T>, ms: number): Promise<T> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`${script} took longer than ${ms} ms:\n${output}`)), ms);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
  };
  const until = async <T>(look: () => T | null, withinMs: number): Promise<T> => {
    const end = performance.now() + withinMs;
    for (;;) {
      const found = look();
      if (found !== null) return found;
      if (performance.now() > end || child.exitCode !== null)
        throw new Error(`${script} did not come so far:\n${output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  return {
    output: () => output,
    wrote: (pattern, withinMs = 30_000) => until(() => pattern.exec(output), withinMs),
    opened: (withinMs = 30_000) =>
      until(
        () => (existsSync(opened) ? (/^(http\S+)\n/.exec(readFileSync(opened, "utf8"))?.[1] ?? null) : null),
        withinMs,
      ),
    ended: (withinMs = 30_000) => within(over, withinMs),
    kill: () => void child.kill("SIGKILL"),
  };
}

/** A home of one test, which is gone after it. */
export async function withHome<T>(body: (home: string) => Promise<T>): Promise<T> {
  const home = mkdtempSync(join(tmpdir(), "portcullis-login-"));
  try {
    return await body(home);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

export const conformance = "@modelcontextprotocol/conformance/dist/index.js";

/** Codex CLI with one MCP server, which keeps logins in a file: there is no keyring here. */
export function startCodex(home: string, server: string, args: readonly string[]): Program {
  const codexHome = join(home, "codex");
  mkdirSync(codexHome, { recursive: true });
  const config = [
    'mcp_oauth_credentials_store = "file"',
    "[mcp_servers.portcullis]",
    `url = ${JSON.stringify(server)}`,
  ];
  writeFileSync(join(codexHome, "config.toml"), `${config.join("\n")}\n`);
  return start({ script: "@openai/codex/bin/codex.js", args, home, env: { CODEX_HOME: codexHome } });
}

/** Claude Code with one MCP server. */
export function startClaude(home: string, args: readonly string[], terminal = false): Program {
  const env = {
    DISABLE_TELEMETRY: "1",
    DISABLE_ERROR_REPORTING: "1",
    DISABLE_AUTOUPDATER: "1",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
  };
  return start({ script: "@anthropic-ai/claude-code/cli-wrapper.cjs", args, home, env, terminal });
}
