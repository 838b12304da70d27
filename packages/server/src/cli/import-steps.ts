import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Environment } from "../config/read-settings.ts";
import { readSettings } from "../config/read-settings.ts";
import { readSources } from "../config/read-sources.ts";
import type { McpSource } from "../config/source-settings.ts";
import { type Entry, ourName } from "./client-entries.ts";
import { type ClientTarget, onFile, readClientFile } from "./client-target.ts";
import { CommandError, exits } from "./exit.ts";
import { type ImportPlan, readConfig, removeSources } from "./import-plan.ts";
import { keepCopy, replaceText } from "./replace-text.ts";

/** What an import did, for `--undo`. */
interface ImportRecord {
  readonly file: string;
  /** The client's file as it was; absent when there was none. */
  readonly copy?: string;
  readonly config: string;
  readonly entries: readonly string[];
  readonly sources: readonly McpSource[];
  readonly secrets: readonly string[];
}

const recordPath = (data: string, client: string): string => join(data, "imports", `${client}.json`);

/**
 * Does what was planned. The client's file is written last: until then it works as before, and whatever was written for it is taken back when a step
 * fails. Answers with the copies of the files as they were.
 */
export function applyImport(plan: ImportPlan, data: string, env: Environment): { readonly copies: readonly string[] } {
  const { target, config, before, after } = plan;
  const undo: (() => void)[] = [];
  try {
    for (const { file, value } of plan.secrets) {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      if (readClientFile(file) === value) continue;
      // A file of this name that holds something else is somebody's: it is not written over.
      writeFileSync(file, value, { mode: 0o600, flag: "wx" });
      undo.push(() => rmSync(file, { force: true }));
    }
    check(plan, data, env);
    unchanged(target.file, before.client);
    unchanged(config, before.config);
    const copies = [keepCopy(target.file), after.config === before.config ? undefined : keepCopy(config)];
    const path = recordPath(data, target.name);
    const earlier = readRecords(path);
    undo.push(() => writeRecords(path, earlier));
    const record: ImportRecord = {
      file: target.file,
      ...(copies[0] !== undefined && { copy: copies[0] }),
      config,
      entries: plan.moved.map(({ entry }) => entry),
      sources: plan.moved.map(({ source }) => source),
      secrets: plan.secrets.map(({ file }) => file),
    };
    writeRecords(path, [...earlier, record]);
    if (after.config !== before.config) {
      undo.push(() => (before.config === "" ? rmSync(config, { force: true }) : replaceText(config, before.config)));
      replaceText(config, after.config);
    }
    replaceText(target.file, after.client);
    return { copies: copies.filter((copy) => copy !== undefined) };
  } catch (error) {
    for (const step of undo.reverse()) {
      try {
        step();
      } catch {
        // The other steps are taken back all the same.
      }
    }
    if (error instanceof CommandError) throw error;
    throw new CommandError(
      exits.cannotCreate,
      `Nothing was imported, and all files are as they were: ${(error as Error).message}`,
    );
  }
}

/** The configuration that will be has to be one that the server starts with. */
function check({ config, after }: ImportPlan, data: string, env: Environment): void {
  const draft = `${config}.portcullis-${process.pid}.yaml`;
  try {
    mkdirSync(dirname(draft), { recursive: true, mode: 0o700 });
    writeFileSync(draft, after.config, { mode: 0o600, flag: "wx" });
    readSources(readSettings(data, { config: draft }, env).sources, env);
  } catch (error) {
    throw new CommandError(
      exits.config,
      `The configuration with these servers would not be one: ${(error as Error).message.replaceAll(draft, config)}`,
      "Nothing was written.",
    );
  } finally {
    rmSync(draft, { force: true });
  }
}

function unchanged(file: string, before: string): void {
  if (readClientFile(file) === before) return;
  throw new CommandError(
    exits.data,
    `${file} was changed by somebody else meanwhile; nothing was imported.`,
    "Close that client, and try again.",
  );
}

/** Puts the servers of the last import back where they were, and takes Portcullis and their sources out. What was changed since stays, and is told. */
export function undoImport(
  target: ClientTarget,
  data: string,
): { readonly back: readonly string[]; readonly kept: readonly string[] } {
  const path = recordPath(data, target.name);
  const records = readRecords(path);
  const record = records.at(-1);
  if (!record)
    throw new CommandError(
      exits.no,
      `Nothing was imported from ${target.name}, or it was undone.`,
      "portcullis import --help",
    );
  const { file, copy } = record;
  const { client } = target;
  const now = readClientFile(file);
  const then = copy === undefined ? "" : readClientFile(copy);
  const mend = `Mend it, or take the entries from ${copy ?? "your own copy"}.`;
  const text = onFile(file, mend, () => {
    const [there, before] = [client.servers(now), client.servers(then)];
    const edits: Record<string, Entry | undefined> = { [ourName]: before[ourName] };
    // What somebody has written anew under an old name is theirs.
    for (const entry of record.entries) if (!Object.hasOwn(there, entry)) edits[entry] = before[entry];
    const undone = client.edit(now, edits);
    // With nothing changed since, the file is what it was to the letter.
    const same = client.edit(then, {
      ...Object.fromEntries(record.entries.map((one) => [one, undefined])),
      [ourName]: there[ourName],
    });
    return same === now ? then : undone;
  });
  const config = readClientFile(record.config);
  const document = readConfig(record.config, config);
  const kept = removeSources(document, record.sources);
  // The client's file first: should the next step fail, its servers run as before, and undoing again ends it.
  replaceText(file, text);
  if (config !== "") replaceText(record.config, document.contents === null ? "" : document.toString({ lineWidth: 0 }));
  if (kept.length === 0) for (const secret of record.secrets) rmSync(secret, { force: true });
  writeRecords(path, records.slice(0, -1));
  return { back: record.entries, kept };
}

function writeRecords(file: string, records: readonly ImportRecord[]): void {
  if (records.length === 0) rmSync(file, { force: true });
  else replaceText(file, `${JSON.stringify(records, null, 1)}\n`);
}

/** The imports from a client that were not undone, the last at the end. */
function readRecords(file: string): readonly ImportRecord[] {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as readonly ImportRecord[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new CommandError(exits.data, `${file} cannot be read: ${(error as Error).message}`);
  }
}
