import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Environment, readSettings } from "../config/read-settings.ts";
import { type ClientFile, clientFiles, type Way } from "./client-entries.ts";
import { type Command, text } from "./command.ts";
import { CommandError, exits } from "./exit.ts";
import { print } from "./output.ts";

const tokenVariable = "PORTCULLIS_TOKEN";

export const connect: Command = {
  usage: "codex|claude [--stdio DIR…] [--write]",
  summary: "Print the entry for a client's configuration, or merge it into the client's file",
  options: {
    write: { type: "boolean", help: "merge the entry into the client's file; a copy of the file is kept beside it" },
    stdio: { type: "boolean", help: "let the client start the server itself, for the folders named" },
    file: { type: "string", help: "the client's file, when it is not in its usual place" },
    url: { type: "string", help: "the server's MCP endpoint (default: the configured port on loopback)" },
  },
  async run({ values, positionals, output, env, data }) {
    const [name, ...folders] = positionals;
    const client = name === undefined ? undefined : clientFiles[name];
    if (!client)
      throw new CommandError(
        exits.usage,
        `connect needs one of: ${Object.keys(clientFiles).join(", ")}.`,
        "portcullis connect codex",
      );
    const port = readSettings(data, {}, env).port;
    const way: Way = values.stdio
      ? {
          kind: "stdio",
          command: process.execPath,
          args: [
            fileURLToPath(new URL("../main.js", import.meta.url)),
            "stdio",
            ...folders.map((folder) => resolve(folder)),
            "--data",
            data,
          ],
        }
      : { kind: "http", url: text(values, "url") ?? `http://127.0.0.1:${port}/mcp`, tokenVariable };
    const file = text(values, "file") ?? defaultFile(client, env);
    const needsToken =
      way.kind === "http"
        ? `Set ${tokenVariable} to a token where ${name} runs: portcullis token create ${name} --subject ${name}`
        : "";
    if (!values.write) {
      print(
        output,
        { client: name, file, entry: client.print(way) },
        `# for ${file}\n${client.print(way)}${needsToken ? `\n\n# ${needsToken}` : ""}`,
      );
      return exits.ok;
    }
    const copy = write(client, file, way);
    print(
      output,
      { client: name, file, copy },
      `Wrote the entry into ${file}.${copy ? ` The file as it was: ${copy}` : ""}${needsToken ? `\n${needsToken}` : ""}`,
    );
    return exits.ok;
  },
};

function defaultFile({ home }: ClientFile, env: Environment): string {
  const own = home.variable === undefined ? undefined : env[home.variable];
  return own ? join(own, home.file) : join(env.HOME ?? homedir(), home.folder, home.file);
}

/** Writes beside the file and renames, so that a fault leaves the old file whole; answers where the old one was copied to. */
function write(client: ClientFile, file: string, way: Way): string | undefined {
  const before = existsSync(file) ? readFileSync(file, "utf8") : "";
  let merged: string;
  try {
    merged = client.merge(before, way);
  } catch (error) {
    throw new CommandError(
      exits.data,
      `${file} cannot be read, so it was left as it is: ${(error as Error).message}`,
      "Mend it, or paste the entry that this prints without --write.",
    );
  }
  mkdirSync(dirname(file), { recursive: true });
  let copy: string | undefined;
  if (before !== "") {
    copy = `${file}.before-portcullis-${new Date().toISOString().replaceAll(/[:.]/g, "-")}`;
    copyFileSync(file, copy);
  }
  const draft = `${file}.portcullis-${process.pid}`;
  writeFileSync(draft, merged, { mode: 0o600 });
  renameSync(draft, file);
  return copy;
}
