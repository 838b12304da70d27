import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import type { ServedFolder } from "../adapters/adapter.ts";
import { type Assembly, assemble, type Log, policyFolder } from "../assemble.ts";
import type { Settings } from "../config/settings.ts";
import { externalFault } from "../identity/oauth/external-issuer.ts";
import { toPrivateHosts } from "../network/private-hosts.ts";
import { defaultPolicy, schemaFile } from "../policy/default-policy.ts";
import { policySchemaText } from "../policy/schema.ts";
import { checkPattern } from "../redaction/patterns.ts";
import { toServedFolders } from "../served-folders.ts";
import { ensureDataFolder, readHolder } from "../stores/data-folder.ts";
import type { Invocation } from "./command.ts";
import { CommandError, exits } from "./exit.ts";
import { homeOf, lastServed, settingsOf } from "./settings-of.ts";
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
  checkValues(settings);
  const log = options.log ?? createLog("warn");
  const home = homeOf(invocation);
  return withDataFolder(data, async () => {
    ensureDataFolder(data);
    const folders = toServedFolders(settings.folders.length > 0 ? settings.folders : lastServed(data));
    writeFirstPolicy(policyFolder(data, settings));
    const url = options.url ?? (() => settings.publicUrl || `http://127.0.0.1:${settings.port}`);
    const pages = options.url ?? (() => readHolder(data)?.url);
    const assembly = await assemble({ data, settings, folders, home, url, pages, log });
    return { ...assembly, settings, folders, home };
  });
}

/** What a setting's schema cannot judge: whether a pattern can be used, whether a host and port are one. */
function checkValues({ redact, http, oauth }: Settings): void {
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
function writeFirstPolicy(folder: string): void {
  if (existsSync(folder)) return;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, "owner.yaml"), defaultPolicy(), { mode: 0o600 });
  // Its first line names this to editors.
  writeFileSync(join(folder, schemaFile), policySchemaText(), { mode: 0o600 });
}
