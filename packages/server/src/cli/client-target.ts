import { existsSync, readFileSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { readSettings } from "../config/read-settings.ts";
import { isAlive, readHolder } from "../stores/data-folder.ts";
import { type ClientFile, clientFiles, type Way } from "./client-entries.ts";
import { type Invocation, text } from "./command.ts";
import { CommandError, exits } from "./exit.ts";

/** The variable that a client sends its token from. */
export const tokenVariable = "PORTCULLIS_TOKEN";

/** The options of commands that enter Portcullis into a client's file. */
export const targetOptions = {
  stdio: { type: "boolean", help: "let the client start the server itself, for the folders named" },
  file: { type: "string", help: "the client's file, when it is not in its usual place" },
  subject: { type: "string", help: "with --stdio: whom policy judges the client as (default owner)" },
  url: {
    type: "string",
    help: "the server's MCP endpoint (default: the running server, or the configured port on loopback)",
  },
} as const;

/** A client's file, and how that client is to reach Portcullis. */
export interface ClientTarget {
  readonly name: string;
  readonly client: ClientFile;
  readonly file: string;
  readonly way: Way;
  /** What is left to do for the way to work; empty when nothing is. */
  readonly next: string;
}

/** Reads which client a command is about. Throws a `CommandError` that names those there are. */
export function readTarget(verb: string, { values, positionals, env, data }: Invocation): ClientTarget {
  const [name = "", ...folders] = positionals;
  const client = Object.hasOwn(clientFiles, name) ? clientFiles[name] : undefined;
  if (!client)
    throw new CommandError(
      exits.usage,
      `${verb} needs one of: ${Object.keys(clientFiles).join(", ")}.`,
      `portcullis ${verb} codex`,
    );
  const config = text(values, "config");
  const subject = text(values, "subject");
  const way: Way =
    values.stdio || !client.http
      ? {
          kind: "stdio",
          command: process.execPath,
          args: [
            ...[fileURLToPath(new URL("../main.js", import.meta.url)), "stdio"],
            ...folders.map((folder) => resolve(folder)),
            ...["--data", data],
            ...(subject === undefined ? [] : ["--subject", subject]),
            ...(config === undefined ? [] : ["--config", resolve(config)]),
          ],
        }
      : {
          kind: "http",
          url:
            text(values, "url") ??
            runningAt(data) ??
            `http://127.0.0.1:${readSettings(data, config === undefined ? {} : { config }, env).port}/mcp`,
          tokenVariable,
        };
  const named = text(values, "file");
  const file = named === undefined ? defaultFile(client, env) : resolve(named);
  const next =
    way.kind === "http"
      ? `Set ${tokenVariable} to a token where ${name} runs: portcullis token create ${name} --subject ${name}`
      : "";
  // A link in a folder of dotfiles stays a link: what it leads to is written.
  return { name, client, file: existsSync(file) ? realpathSync(file) : file, way, next };
}

/** The MCP endpoint of the server that uses the data folder now, whatever port it has. */
function runningAt(data: string): string | undefined {
  const holder = readHolder(data);
  return holder?.url && isAlive(holder) ? new URL("/mcp", holder.url).href : undefined;
}

export function defaultFile({ home }: ClientFile, env: Invocation["env"]): string {
  const own = home.variable === undefined ? undefined : env[home.variable];
  if (own) return join(own, home.file);
  const folder = process.platform === "darwin" ? (home.mac ?? home.folder) : home.folder;
  return join(env.HOME ?? homedir(), folder, home.file);
}

/** A client's file as it is; empty when there is none. */
export const readClientFile = (file: string): string => (existsSync(file) ? readFileSync(file, "utf8") : "");

/** Runs what reads or edits a client's file; one that cannot be read is told as such and left alone. */
export function onFile<T>(file: string, next: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new CommandError(exits.data, `${file} cannot be read, so it was left as it is: ${error.message}`, next);
  }
}
