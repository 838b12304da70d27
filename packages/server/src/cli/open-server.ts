import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import type { Adapter, ServedFolder } from "../adapters/adapter.ts";
import { type Assembly, assemble, type Log, policyFolder } from "../assemble.ts";
import type { Environment } from "../config/read-settings.ts";
import { readModels, readSources, takenNames } from "../config/read-sources.ts";
import type { Settings } from "../config/settings.ts";
import { type Apis, createApis } from "../create-apis.ts";
import { externalFault } from "../identity/oauth/external-issuer.ts";
import { loadAdapterModules } from "../load-adapter-modules.ts";
import { toPrivateHosts } from "../network/private-hosts.ts";
import { defaultPolicy, schemaFile } from "../policy/default-policy.ts";
import { policySchemaText } from "../policy/schema.ts";
import { checkPattern } from "../redaction/patterns.ts";
import { toServedFolders } from "../served-folders.ts";
import { ensureDataFolder, readHolder } from "../stores/data-folder.ts";
import type { Invocation } from "./command.ts";
import { CommandError, exits } from "./exit.ts";
import { homeOf, servedOf, settingsOf } from "./settings-of.ts";
import { withDataFolder } from "./with-data-folder.ts";

export interface OpenServer extends Assembly {
  readonly settings: Settings;
  readonly folders: readonly ServedFolder[];
  readonly home: string;
}

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
    const folders = toServedFolders(servedOf(settings, data));
    writeFirstPolicy(policyFolder(data, settings));
    const url = options.url ?? (() => settings.publicUrl || `http://127.0.0.1:${settings.port}`);
    const pages = options.url ?? (() => readHolder(data)?.url);
    const apis = await openApis(settings, { env: invocation.env, folders, log });
    const modules = await openModules(settings, home);
    const assembly = await assemble({ data, settings, folders, home, url, pages, log, apis, modules });
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

async function openModules({ adapters, sources }: Settings, home: string): Promise<readonly Adapter[]> {
  try {
    const taken = [...takenNames, ...sources.map(({ name }) => name)];
    return await loadAdapterModules(adapters, { home, taken });
  } catch (error) {
    throw new CommandError(exits.config, (error as Error).message, "docs/adapters.md tells how an adapter is written.");
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

/** A new data folder begins with a policy that can be read and edited; an emptied one stays empty, and denies everything. */
export function writeFirstPolicy(folder: string): void {
  if (existsSync(folder)) return;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, "owner.yaml"), defaultPolicy(), { mode: 0o600 });
  // Its first line names this to editors.
  writeFileSync(join(folder, schemaFile), policySchemaText(), { mode: 0o600 });
}
