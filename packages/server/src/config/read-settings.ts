import { readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { TSchema } from "typebox";
import { LineCounter, parseDocument } from "yaml";
import { CommandError, exits } from "../cli/exit.ts";
import { Settings } from "./settings.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Flags {
  readonly config?: string;
  readonly folders?: readonly string[];
  readonly host?: string;
  readonly port?: string;
  readonly profile?: string;
  readonly publicUrl?: string;
}

type Tree = { [key: string]: unknown };

interface Key {
  readonly path: readonly string[];
  readonly schema: TSchema & {
    readonly type?: string;
    readonly default?: unknown;
    readonly description?: string;
    readonly items?: { readonly type?: string };
  };
}

/** Every setting with its place in the file, in the order of the schema. */
export function listKeys(schema: TSchema = Settings, path: readonly string[] = []): readonly Key[] {
  const { properties } = schema as { properties?: Record<string, TSchema> };
  if (!properties) return [{ path, schema }];
  return Object.entries(properties).flatMap(([name, inner]) => listKeys(inner, [...path, name]));
}

/** `limits.turnCalls` is `PORTCULLIS_LIMITS_TURN_CALLS`. */
export const toVariable = (path: readonly string[]): string =>
  `PORTCULLIS_${path.map((name) => name.replace(/[A-Z]/g, "_$&").toUpperCase()).join("_")}`;

/** The short names that people expect, beside the long ones. */
const shortNames: Readonly<Record<string, readonly string[]>> = {
  PORT: ["port"],
  ALLOWED_DIR: ["folders"],
  REDACT_PATTERNS: ["redact", "patterns"],
};

const validate = new Ajv2020({ allErrors: true, useDefaults: true, discriminator: true }).compile<Settings>(Settings);

/**
 * The settings from, in rising order: defaults, the configuration file, the environment, the command line. An unknown or invalid key is a
 * `CommandError` that names its place.
 */
export function readSettings(data: string, flags: Flags, env: Environment): Settings {
  const file = flags.config ?? env.PORTCULLIS_CONFIG ?? join(data, "portcullis.yaml");
  const { tree, placeOf } = readFile(file, flags.config !== undefined || env.PORTCULLIS_CONFIG !== undefined);
  const places = new Map<string, string>();
  const put = (path: readonly string[], value: unknown, place: string): void => {
    assign(tree, path, value);
    places.set(path.join("."), place);
  };

  const keys = listKeys();
  const known = new Map(keys.map((key) => [toVariable(key.path), key] as const));
  for (const [short, path] of Object.entries(shortNames)) {
    const key = keys.find((candidate) => candidate.path.join() === path.join());
    if (key) known.set(short, key);
  }
  const reserved = new Set([
    "PORTCULLIS_CONFIG",
    "PORTCULLIS_DATA",
    "PORTCULLIS_TOKEN",
    "PORTCULLIS_OWNER_TOKEN",
    "PORTCULLIS_URL",
  ]);
  for (const [name, text] of Object.entries(env)) {
    if (text === undefined || text === "") continue;
    const key = known.get(name);
    if (key) put(key.path, fromText(text, key), `the environment variable ${name}`);
    else if (name.startsWith("PORTCULLIS_") && !reserved.has(name)) {
      throw new CommandError(
        exits.config,
        `The environment variable ${name} is not a setting.`,
        "docs/configuration.md lists them all; unset it.",
      );
    }
  }
  const flag = (path: readonly string[], value: unknown, name: string): void => {
    if (value !== undefined) put(path, value, `the option ${name}`);
  };
  flag(["host"], flags.host, "--host");
  flag(["port"], flags.port === undefined ? undefined : toNumber(flags.port), "--port");
  flag(["profile"], flags.profile, "--profile");
  flag(["publicUrl"], flags.publicUrl, "--public-url");
  if (flags.folders && flags.folders.length > 0) flag(["folders"], flags.folders, "the folders named");

  if (validate(tree)) return tree;
  const [fault] = validate.errors ?? [];
  const extra = fault?.keyword === "additionalProperties" ? [String(fault.params.additionalProperty)] : [];
  const path = [...(fault?.instancePath.split("/").slice(1) ?? []), ...extra];
  const place = places.get(path.join(".")) ?? placeOf(path) ?? file;
  const what = extra.length > 0 ? "is not a setting" : fault?.message;
  throw new CommandError(
    exits.config,
    `${place}: ${path.join(".") || "the configuration"} ${what}.`,
    "docs/configuration.md lists every key with its type and default.",
  );
}

function readFile(
  file: string,
  wanted: boolean,
): { tree: Tree; placeOf: (path: readonly string[]) => string | undefined } {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" && !wanted) return { tree: {}, placeOf: () => undefined };
    throw new CommandError(
      exits.noInput,
      `The configuration file ${file} cannot be read: ${(error as Error).message}.`,
    );
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const [broken] = document.errors;
  if (broken) throw new CommandError(exits.config, `${at(broken.pos[0])}: ${broken.message.split("\n")[0]}`);
  const tree = document.toJS({ maxAliasCount: 20 }) ?? {};
  if (typeof tree !== "object" || Array.isArray(tree))
    throw new CommandError(exits.config, `${file}: the configuration must be a mapping of keys.`);
  return {
    tree: tree as Tree,
    placeOf: (path) => {
      for (let length = path.length; length > 0; length--) {
        const node = document.getIn(path.slice(0, length), true) as { range?: [number, number, number] } | undefined;
        if (node?.range) return at(node.range[0]);
      }
      return undefined;
    },
  };
}

/** What parts a list in one variable: the system's path delimiter, line ends where an item may hold anything, else commas. */
const separators: Readonly<Record<string, string>> = { folders: delimiter, "redact.patterns": "\n" };

function fromText(text: string, { path, schema }: Key): unknown {
  switch (schema.type) {
    case "integer":
      return toNumber(text);
    case "boolean":
      return text === "true" || text === "1" ? true : text === "false" || text === "0" ? false : text;
    case "array":
      if (schema.items?.type === "object") return toObjects(text);
      return toList(text, separators[path.join(".")] ?? ",");
    default:
      return text;
  }
}

const toNumber = (text: string): unknown => (/^\d{1,15}$/.test(text) ? Number(text) : text);

/** A JSON array of objects; what is none fails the schema. */
function toObjects(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A JSON array of texts, or texts between separators. */
function toList(text: string, separator: string): readonly string[] {
  if (text.startsWith("[")) {
    try {
      const list: unknown = JSON.parse(text);
      if (Array.isArray(list) && list.every((item) => typeof item === "string")) return list;
    } catch {
      // A pattern may begin with a bracket too.
    }
  }
  return text
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function assign(tree: Tree, path: readonly string[], value: unknown): void {
  const [name = "", ...rest] = path;
  if (rest.length === 0) {
    tree[name] = value;
    return;
  }
  const inner = tree[name];
  const place = (typeof inner === "object" && inner !== null ? inner : {}) as Tree;
  tree[name] = place;
  assign(place, rest, value);
}
