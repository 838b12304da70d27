import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { defaultPolicy } from "../../packages/server/src/policy/default-policy.ts";

export const main = join(import.meta.dirname, "..", "..", "packages", "server", "dist", "main.js");

export interface WorldOptions {
  /** Files of the served folder, by relative path. */
  readonly files?: Readonly<Record<string, string | Buffer>>;
  /** Policy files by name; `FOLDER` in them stands for the served folder. The default policy is written when there are none. */
  readonly policies?: Readonly<Record<string, string>>;
  /** The text of portcullis.yaml. */
  readonly settings?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Made ready before the server starts, such as a git history in the folder. */
  prepare?(world: { readonly folder: string; readonly data: string; readonly base: string }): void | Promise<void>;
}

export interface Listening {
  readonly event: "listening";
  readonly http: string;
  readonly mcp: string;
  readonly sse: string;
  readonly websocket: string;
  readonly ownerToken?: string;
}

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A served folder, its data folder, and a real server process over both. */
export interface World {
  readonly base: string;
  readonly folder: string;
  readonly data: string;
  listening: Listening;
  readonly ownerToken: string;
  server: ChildProcess;
  /** Everything that the server wrote to stderr so far. */
  log(): string;
  token(subject: string): Promise<string>;
  /** Ends the server and starts it again on the same port and data. */
  restart(signal?: NodeJS.Signals): Promise<void>;
  /** Runs a command on this world's data folder. */
  run(...args: readonly string[]): Promise<Ran>;
  policy(file: string, text: string): void;
  /** The audit's records, oldest first. */
  audit(): Promise<readonly AuditLine[]>;
  close(): Promise<void>;
}

export type AuditLine = Readonly<Record<string, unknown>> & { readonly seq: number; readonly id: string };

/** Every world starts the same program, compiled once. */
const compiled = join(import.meta.dirname, "..", "..", "node_modules", ".cache", "portcullis");

/** No answer of a test takes longer than this (ms). */
const patience = 20_000;

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "portcullis-")));
  const [folder, data] = [join(base, "notes"), join(base, "data")];
  mkdirSync(folder);
  mkdirSync(data, { mode: 0o700 });
  const put = (path: string, content: string | Buffer): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  };
  for (const [path, content] of Object.entries(options.files ?? { "todo.md": "# To do\n\nWater the plants.\n" }))
    put(join(folder, path), content);
  const policy = (file: string, text: string): void =>
    put(join(data, "policies", file), text.replaceAll("FOLDER", folder));
  if (options.policies) policy("owner.yaml", defaultPolicy());
  for (const [file, text] of Object.entries(options.policies ?? {})) policy(file, text);
  if (options.settings) put(join(data, "portcullis.yaml"), options.settings);
  await options.prepare?.({ folder, data, base });

  const env = { PATH: process.env.PATH, HOME: base, NODE_COMPILE_CACHE: compiled, ...options.env };
  const run = (...args: readonly string[]): Promise<Ran> => runPortcullis([...args, "--data", data], env);
  let started = await startServer([folder, "--data", data], env);
  const { ownerToken } = started.listening;
  if (ownerToken === undefined) throw new Error("The first start showed no owner token.");
  let tokens = 0;

  const world: World = {
    base,
    folder,
    data,
    listening: started.listening,
    ownerToken,
    server: started.server,
    log: started.log,
    policy,
    run,
    async token(subject) {
      const { status, stdout, stderr } = await run("token", "create", `t${++tokens}`, "--subject", subject, "--json");
      if (status !== 0) throw new Error(stderr);
      return (JSON.parse(stdout) as { token: string }).token;
    },
    async audit() {
      const { stdout } = await run("audit", "tail", "--lines", "100000", "--json");
      return stdout
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as AuditLine);
    },
    async restart(signal = "SIGTERM") {
      await stopServer(world.server, signal);
      const { port } = new URL(world.listening.http);
      started = await startServer([folder, "--data", data, "--port", port], env);
      world.listening = started.listening;
      world.server = started.server;
    },
    async close() {
      await stopServer(world.server, "SIGTERM");
      rmSync(base, { recursive: true, force: true });
    },
  };
  return world;
}

/** Starts `portcullis serve`, on a free port unless the arguments name one, and waits for its listening line. */
export async function startServer(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ server: ChildProcess; listening: Listening; log: () => string }> {
  const port = args.includes("--port") ? [] : ["--port", "0"];
  const server = spawn(process.execPath, [main, "serve", ...args, ...port, "--json"], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  server.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    log += chunk;
  });
  const listening = await new Promise<Listening>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`The server did not start within ${patience} ms:\n${log}`)),
      patience,
    );
    createInterface(server.stdout).on("line", (line) => {
      const said = JSON.parse(line) as Listening;
      if (said.event !== "listening") return;
      clearTimeout(timer);
      resolve(said);
    });
    server.once("exit", (code) => {
      clearTimeout(timer);
      reject(new Error(`The server ended with ${code}:\n${log}`));
    });
  });
  return { server, listening, log: () => log };
}

export async function stopServer(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise((resolve) => server.once("exit", resolve));
  server.kill(signal);
  const timer = setTimeout(() => server.kill("SIGKILL"), patience);
  await ended;
  clearTimeout(timer);
}

/** Runs the command line to its end. */
export const runPortcullis = (args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ran> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      [main, ...args],
      { env, timeout: patience, maxBuffer: 1 << 28 },
      (error, stdout, stderr) => {
        const status = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        resolve({ status, stdout, stderr });
      },
    );
  });
