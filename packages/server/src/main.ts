#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Command } from "./cli/command.ts";
import { CommandError, exits } from "./cli/exit.ts";
import { becomeLean } from "./cli/lean-process.ts";
import { createOutput, toTable } from "./cli/output.ts";
import { environment, toCacheFolder, toDataFolder } from "./config/environment.ts";
import { version } from "./version.ts";

/** Verb → its file, loaded only when it is asked for. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import("./cli/init.ts")).init,
  serve: async () => (await import("./cli/serve.ts")).serve,
  stdio: async () => (await import("./cli/stdio.ts")).stdio,
  chat: async () => (await import("./cli/chat.ts")).chat,
  search: async () => (await import("./cli/search.ts")).search,
  cite: async () => (await import("./cli/cite.ts")).cite,
  index: async () => (await import("./cli/index.ts")).index,
  session: async () => (await import("./cli/session.ts")).session,
  client: async () => (await import("./cli/client.ts")).client,
  fs: async () => (await import("./cli/fs.ts")).fs,
  token: async () => (await import("./cli/token.ts")).token,
  policy: async () => (await import("./cli/policy.ts")).policy,
  consent: async () => (await import("./cli/consent.ts")).consent,
  audit: async () => (await import("./cli/audit.ts")).audit,
  flow: async () => (await import("./cli/flow.ts")).flow,
  upstream: async () => (await import("./cli/upstream.ts")).upstream,
  connect: async () => (await import("./cli/connect.ts")).connect,
  adapter: async () => (await import("./cli/adapter.ts")).adapter,
  import: async () => (await import("./cli/import.ts")).importServers,
  doctor: async () => (await import("./cli/doctor.ts")).doctor,
};

const common = {
  data: { type: "string", help: "the data folder (default: PORTCULLIS_DATA, else portcullis in XDG's data home)" },
  json: { type: "boolean", help: "print JSON" },
  help: { type: "boolean", short: "h", help: "show this" },
} as const;

async function usage(): Promise<string> {
  const rows = await Promise.all(
    Object.entries(commands).map(async ([name, load]) => [`  ${name}`, (await load()).summary]),
  );
  return `portcullis ${version}: one guarded door between AI clients and your own data\n\nUsage: portcullis COMMAND …\n\n${toTable(rows)}\n\nportcullis COMMAND --help tells a command's options. Exit statuses: docs/cli.md.`;
}

function usageOf(name: string, command: Command): string {
  const examples = command.examples?.length
    ? `\n\nExamples:\n${command.examples.map((line) => `  ${line}`).join("\n")}`
    : "";
  const rows = Object.entries({ ...command.options, ...common }).map(([option, { type, help }]) => [
    `  --${option}${type === "string" ? " …" : ""}`,
    help,
  ]);
  return `${command.summary}\n\nUsage: portcullis ${name} ${command.usage}\n\n${toTable(rows)}${examples}`;
}

async function main(argv: readonly string[]): Promise<number> {
  const env = environment();
  // What is loaded from here on starts in half the time from the second start on. Where it cannot be kept, nothing is said or lost.
  enableCompileCache(join(toCacheFolder(env), "compiled"));
  const [first, ...others] = argv;
  if (first === "--version") {
    process.stdout.write(`${version}\n`);
    return exits.ok;
  }
  if (first === "help" || first === "--help" || first === "-h" || (first === undefined && !env.MCP_TRANSPORT)) {
    process.stdout.write(`${await usage()}\n`);
    return first === undefined ? exits.usage : exits.ok;
  }
  // A container or a client's configuration may name the transport alone, and folders by ALLOWED_DIR.
  const bare = first === undefined || first.startsWith("-") || !(first in commands);
  const byTransport = env.MCP_TRANSPORT === "stdio" ? "stdio" : "serve";
  if (bare && !env.MCP_TRANSPORT)
    throw new CommandError(exits.usage, `There is no command ${first}.`, "portcullis --help lists them");
  const name = bare || (first === "serve" && byTransport === "stdio") ? byTransport : first;
  if (name === "serve" || name === "stdio") becomeLean(env);
  const command = await (commands[name] ?? commands.serve)?.();
  if (!command) throw new CommandError(exits.usage, `There is no command ${name}.`);

  const options = { ...command.options, ...common };
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({ args: [...(bare ? argv : others)], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new CommandError(exits.usage, (error as Error).message, `portcullis ${name} --help`);
  }
  const values = parsed.values as Record<string, string | boolean | string[] | undefined>;
  if (values.help) {
    process.stdout.write(`${usageOf(name, command)}\n`);
    return exits.ok;
  }
  const data = toDataFolder(typeof values.data === "string" ? values.data : undefined, env);
  return command.run({
    values,
    positionals: parsed.positionals,
    output: createOutput(values.json === true),
    env,
    data,
  });
}

const json = process.argv.includes("--json");
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const known = error instanceof CommandError;
  const message = known ? error.message : `An unexpected fault: ${(error as Error).stack ?? String(error)}`;
  const next = known ? error.next : undefined;
  if (json) process.stdout.write(`${JSON.stringify({ event: "error", message, ...(next && { next }) })}\n`);
  process.stderr.write(`portcullis: ${message}${next ? `\n  \u2192 ${next}` : ""}\n`);
  process.exitCode = known ? error.exit : exits.internal;
}
