#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Command, common } from "./cli/command.ts";
import { commands } from "./cli/commands.ts";
import { CommandError, exits } from "./cli/exit.ts";
import { becomeLean } from "./cli/lean-process.ts";
import { createOutput, toTable } from "./cli/output.ts";
import { environment, toCacheFolder, toDataFolder } from "./config/environment.ts";
import { version } from "./version.ts";

function usage(): string {
  const rows = Object.entries(commands).map(([name, { summary }]) => [`  ${name}`, summary]);
  return `portcullis ${version}: one guarded door between AI clients and your own data\n\nUsage: portcullis COMMAND …\n\n${toTable(rows)}\n\nportcullis COMMAND --help tells a command's options, with examples. New here: portcullis init. Exit statuses: docs/cli.md.`;
}

function usageOf(name: string, command: Command): string {
  const lines = (commands[name]?.examples ?? []).map((line) => `  ${line}`);
  const examples = lines.length > 0 ? `\n\nExamples:\n${lines.join("\n")}` : "";
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
    process.stdout.write(`${usage()}\n`);
    return first === undefined ? exits.usage : exits.ok;
  }
  // A container or a client's configuration may name the transport alone, and folders by ALLOWED_DIR.
  const bare = first === undefined || first.startsWith("-") || !Object.hasOwn(commands, first);
  const byTransport = env.MCP_TRANSPORT === "stdio" ? "stdio" : "serve";
  if (bare && !env.MCP_TRANSPORT)
    throw new CommandError(exits.usage, `There is no command ${first}.`, "portcullis --help lists them");
  const name = bare || (first === "serve" && byTransport === "stdio") ? byTransport : first;
  if (name === "serve" || name === "stdio" || name === "import") becomeLean(env);
  const command = await commands[name]?.load();
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
