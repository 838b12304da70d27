import { readFileSync, statSync, unwatchFile, watchFile } from "node:fs";
import { basename } from "node:path";
import type { KnownSecret } from "../redaction/known-secrets.ts";
import { isPlaceholder } from "../redaction/placeholder.ts";
import { environment } from "./environment.ts";
import type { Environment } from "./read-settings.ts";

export interface SecretSources {
  /** Files such as `.env`, or keys, each by its path. */
  readonly files: readonly string[];
  /** Names of environment variables. */
  readonly variables: readonly string[];
}

export interface ReadSecrets {
  readonly secrets: readonly KnownSecret[];
  /** Which values are not looked for, and why, each as a sentence that does not tell the value. */
  readonly refused: readonly string[];
}

const shortest = 8;
const largestFile = 1_048_576;
const mostSecrets = 5_000;
/** Values that stand in so many harmless places that masking them would hide what is no secret. */
const everyday =
  /^(?:true|false|yes|no|on|off|null|none|undefined|default|production|development|staging|testing|enabled|disabled|localhost|[\d.:,\s-]+|[a-z]{1,11}|https?:\/\/[^\s@?]*|[./~][\w./-]*)$/i;

/** Reads every value that the owner registered. Throws an Error that names the source when one cannot be read. */
export function readSecrets({ files, variables }: SecretSources, env: Environment = environment()): ReadSecrets {
  const secrets: KnownSecret[] = [];
  const refused: string[] = [];
  const take = (name: string, value: string, place: string): void => {
    const wrong = judge(value);
    if (wrong === undefined) secrets.push({ name, value });
    else refused.push(`${place} is not looked for: ${wrong}`);
  };
  for (const name of variables) {
    const value = env[name];
    if (value === undefined || value === "")
      throw new Error(`The environment has no ${name}. Set it, or take it from redact.secretVariables.`);
    take(name, value, name);
  }
  for (const path of files)
    for (const { name, value, line } of readFile(path)) take(name, value, `${path}:${line} (${name})`);
  if (secrets.length > mostSecrets)
    throw new Error(`${secrets.length} secrets are registered; at most ${mostSecrets} are taken.`);
  return { secrets, refused };
}

/**
 * One secret that a part of the server needs itself: an environment variable, or a file that holds it alone or as `NAME=value`. Throws an Error that names
 * the place and never the value.
 */
export function readSecret(
  { file, variable, name }: { readonly file: string; readonly variable: string; readonly name: string },
  env: Environment = environment(),
): string {
  if (variable !== "") {
    const value = env[variable]?.trim();
    if (value) return value;
    throw new Error(`The environment has no ${variable}.`);
  }
  const entries = readFile(file);
  const found = entries.length === 1 ? entries[0] : entries.find((entry) => entry.name === name);
  if (found?.value) return found.value;
  throw new Error(`${file} holds ${entries.length} values and none is named ${name}.`);
}

function judge(value: string): string | undefined {
  if (value.trim().length < shortest)
    return `it has fewer than ${shortest} characters and would be masked in harmless text.`;
  if (everyday.test(value.trim()))
    return "it is a word, a number, an address or a path that stands in harmless text too.";
  if (!/\s/.test(value.trim()) && isPlaceholder(value.trim())) return "it stands for a value without being one.";
  return undefined;
}

interface Entry {
  readonly name: string;
  readonly value: string;
  readonly line: number;
}

function readFile(path: string): readonly Entry[] {
  let text: string;
  try {
    const { size } = statSync(path);
    if (size > largestFile) throw new Error(`it has ${size} bytes; at most ${largestFile} are read`);
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new Error(`The file of secrets ${path} cannot be read: ${(error as Error).message}.`);
  }
  const name = basename(path);
  if (/^\s*[{[]/.test(text)) {
    const entries = fromJson(text, name);
    if (entries) return entries;
  }
  const assigned = fromEnvironment(text);
  return assigned.length > 0 ? assigned : fromKey(text, name);
}

/** `NAME=value` lines, with `export`, quotes, and values over several lines in quotes. */
function fromEnvironment(text: string): readonly Entry[] {
  const entries: Entry[] = [];
  const line =
    /^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\[\s\S])*)"|'([^']*)'|`([^`]*)`|([^\r\n]*))/gm;
  for (const match of text.matchAll(line)) {
    const [, name = "", double, single, back, bare] = match;
    const value =
      double?.replace(/\\n/g, "\n").replace(/\\(["\\$])/g, "$1") ??
      single ??
      back ??
      (bare ?? "").replace(/[ \t]#.*$/, "").trim();
    const at = text.slice(0, match.index).split("\n").length;
    for (const part of parts(value)) entries.push({ name, value: part, line: at });
  }
  return entries;
}

/** A file that holds a key alone: as a whole, and each of its lines that could leave without the others. */
const fromKey = (text: string, name: string): readonly Entry[] =>
  text
    .split("\n")
    .map((value, at) => ({ name, value: value.trim(), line: at + 1 }))
    .filter(({ value }) => value !== "" && !/^(?:-----|#)/.test(value));

function fromJson(text: string, file: string): readonly Entry[] | undefined {
  const entries: Entry[] = [];
  const walk = (value: unknown, name: string, depth: number): void => {
    if (depth > 32) return;
    if (typeof value === "string") for (const part of parts(value)) entries.push({ name, value: part, line: 1 });
    else if (typeof value === "object" && value !== null)
      for (const [key, inner] of Object.entries(value)) walk(inner, Array.isArray(value) ? name : key, depth + 1);
  };
  try {
    walk(JSON.parse(text), file, 0);
  } catch {
    return undefined;
  }
  return entries;
}

/** A value over several lines counts by its lines: any of them alone gives it away. */
const parts = (value: string): readonly string[] => {
  const lines = value.split(/\r?\n/).map((line) => line.trim());
  return lines.length === 1 ? lines : lines.filter((line) => line !== "" && !line.startsWith("-----"));
};

/** Calls back when one of the files may have changed. Returns what ends it. */
export function watchSecrets({ files }: SecretSources, changed: () => void): () => void {
  const heard = (): void => changed();
  for (const file of files) watchFile(file, { interval: 1_000, persistent: false }, heard);
  return () => {
    for (const file of files) unwatchFile(file, heard);
  };
}
