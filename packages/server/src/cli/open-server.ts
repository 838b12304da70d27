import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import type { ServedFolder } from "../adapters/adapter.ts";
import { type Assembly, assemble, type Log, policyFolder } from "../assemble.ts";
import { type Environment, type Flags, readSettings } from "../config/read-settings.ts";
import { readModels, readSources } from "../config/read-sources.ts";
import type { Settings } from "../config/settings.ts";
import { type Apis, createApis } from "../create-apis.ts";
import { externalFault } from "../identity/oauth/external-issuer.ts";
import { toPrivateHosts } from "../network/private-hosts.ts";
import { defaultPolicy, schemaFile } from "../policy/default-policy.ts";
import { policySchemaText } from "../policy/schema.ts";
import { checkPattern } from "../redaction/patterns.ts";
import { toServedFolders } from "../served-folders.ts";
import { DataFolderError, ensureDataFolder, readHolder } from "../stores/data-folder.ts";
import { DatabaseError } from "../stores/sqlite/database.ts";
import { type Invocation, text } from "./command.ts";
import { CommandError, exits } from "./exit.ts";

export interface OpenServer extends Assembly {
  readonly settings: Settings;
  readonly folders: readonly ServedFolder[];
  readonly home: string;
}

/** Reads the settings for a command: the file, the environment, and the options and folders that it was given. */
export function settingsOf({ values, positionals, env, data }: Invocation): Settings {
  const flags: { -readonly [Key in keyof Flags]: Flags[Key] } = { folders: positionals };
  for (const name of ["config", "host", "port", "profile"] as const) {
    const value = text(values, name);
    if (value !== undefined) flags[name] = value;
  }
  const publicUrl = text(values, "public-url");
  return readSettings(data, publicUrl === undefined ? flags : { ...flags, publicUrl }, env);
}

/** The folders that a server of this data folder serves or served last, for commands that name none. */
export function lastServed(data: string): readonly string[] {
  try {
    const { folders } = JSON.parse(readFileSync(join(data, "served.json"), "utf8")) as { folders: string[] };
    return folders.filter((folder) => existsSync(folder));
  } catch {
    return [];
  }
}

export function rememberServed(data: string, folders: readonly ServedFolder[]): void {
  writeFileSync(join(data, "served.json"), `${JSON.stringify({ folders: folders.map(({ path }) => path) })}\n`, {
    mode: 0o600,
  });
}

export const homeOf = ({ env }: Invocation): string => {
  const home = env.HOME ?? homedir();
  return existsSync(home) ? realpathSync(home) : home;
};

export interface OpenOptions {
  readonly settings?: Settings;
  readonly log?: Log;
  readonly url?: () => string;
}

/** Assembles the server over a data folder. What is wrong with the folder is a `CommandError`. */
export async function openServer(invocation: Invocation, options: OpenOptions = {}): Promise<OpenServer> {
  const { data } = invocation;
  const settings = options.settings ?? settingsOf(invocation);
  checkValues(settings, invocation.env);
  const log = options.log ?? createLog("warn");
  const home = homeOf(invocation);
  return withDataFolder(data, async () => {
    ensureDataFolder(data);
    const folders = toServedFolders(settings.folders.length > 0 ? settings.folders : lastServed(data));
    writeFirstPolicy(policyFolder(data, settings));
    const url = options.url ?? (() => settings.publicUrl || `http://127.0.0.1:${settings.port}`);
    const pages = options.url ?? (() => readHolder(data)?.url);
    const apis = await openApis(settings, { env: invocation.env, folders, log });
    const assembly = await assemble({ data, settings, folders, home, url, pages, log, apis });
    return { ...assembly, settings, folders, home };
  });
}

interface ApiPlace {
  readonly env: Environment;
  readonly folders: readonly ServedFolder[];
  readonly log: Log;
}

/** The owner's HTTP APIs, read before anything is opened: a document that cannot be used is a fault of the configuration. */
async function openApis(settings: Settings, { env, folders, log }: ApiPlace): Promise<Apis> {
  const { sources, http, openaiStores } = settings;
  const taken = [...openaiStores, ...folders].map(({ name }) => name);
  try {
    return await createApis({
      ...{ sources: readSources(sources, env).sources, privateHosts: http.privateHosts, taken },
      tell: (message) => log.error({}, message.slice(0, 2_000)),
    });
  } catch (error) {
    throw new CommandError(exits.config, (error as Error).message, "docs/openapi.md tells how an API is written.");
  }
}

/** What a setting's schema cannot judge: whether a pattern can be used, whether a host and port are one. */
function checkValues({ redact, http, oauth, sources, models }: Settings, env: Environment): void {
  try {
    readSources(sources, env);
  } catch (error) {
    throw new CommandError(exits.config, (error as Error).message, "docs/upstream.md tells how a source is written.");
  }
  try {
    readModels(models, env);
  } catch (error) {
    throw new CommandError(exits.config, (error as Error).message, "docs/sampling.md tells how a model is written.");
  }
  for (const pattern of redact.patterns) {
    const wrong = checkPattern(pattern);
    if (wrong)
      throw new CommandError(exits.config, `redact.patterns: ${JSON.stringify(pattern)} cannot be used. ${wrong}`);
  }
  try {
    toPrivateHosts(http.privateHosts);
  } catch (error) {
    throw new CommandError(exits.config, `http.privateHosts: ${(error as Error).message}`);
  }
  const wrong = oauth.issuer.url === "" ? undefined : externalFault(oauth.issuer);
  if (wrong !== undefined) throw new CommandError(exits.config, wrong);
}

/** The log of faults and of what the server does, as JSON lines on stderr. */
export const createLog = (level: "info" | "warn"): Log =>
  pino({ level, base: null }, pino.destination({ dest: 2, sync: true }));

/** Turns what can be wrong with a data folder into its exit status and what to do. */
export async function withDataFolder<T>(data: string, body: () => T | Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof DataFolderError) {
      const exit = error.reason === "in-use" ? exits.inUse : exits.cannotCreate;
      throw new CommandError(
        exit,
        error.message,
        error.reason === "in-use" ? undefined : "Choose another data folder with --data.",
      );
    }
    if (error instanceof DatabaseError)
      throw new CommandError(exits.cannotCreate, `The data folder ${data} cannot be used: ${error.message}`);
    throw error;
  }
}

/** A new data folder begins with a policy that can be read and edited; an emptied one stays empty, and denies everything. */
function writeFirstPolicy(folder: string): void {
  if (existsSync(folder)) return;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, "owner.yaml"), defaultPolicy(), { mode: 0o600 });
  // Its first line names this to editors.
  writeFileSync(join(folder, schemaFile), policySchemaText(), { mode: 0o600 });
}
