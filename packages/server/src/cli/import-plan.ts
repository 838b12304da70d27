import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type Document, isSeq, parseDocument } from "yaml";
import { takenNames } from "../config/read-sources.ts";
import type { McpSource } from "../config/source-settings.ts";
import { type Entry, ourName } from "./client-entries.ts";
import { type ClientTarget, onFile, readClientFile } from "./client-target.ts";
import { type Invocation, text } from "./command.ts";
import { CommandError, exits } from "./exit.ts";
import { type MovedSecret, toSource } from "./import-source.ts";

/** All that an import will do, worked out before anything is written. */
export interface ImportPlan {
  readonly target: ClientTarget;
  readonly config: string;
  readonly moved: readonly { readonly entry: string; readonly source: McpSource }[];
  readonly stays: readonly { readonly entry: string; readonly why: string }[];
  readonly secrets: readonly MovedSecret[];
  /** The files as they were read, and as they will be. */
  readonly before: { readonly client: string; readonly config: string };
  readonly after: { readonly client: string; readonly config: string };
}

/** The configuration file that a command works with. */
export const configOf = ({ values, env, data }: Invocation): string =>
  text(values, "config") ?? env.PORTCULLIS_CONFIG ?? join(data, "portcullis.yaml");

/** The folder of the secrets that were moved out of clients' files. */
const secretsFolder = (data: string): string => join(data, "secrets");

export function planImport(invocation: Invocation, target: ClientTarget): ImportPlan {
  const { env, data } = invocation;
  if (env.PORTCULLIS_SOURCES)
    throw new CommandError(
      exits.config,
      "The environment variable PORTCULLIS_SOURCES beats the sources in the configuration file, so nothing that is written there would count.",
      "Move what it says into the file and unset it.",
    );
  const config = configOf(invocation);
  const before = {
    client: readClientFile(target.file),
    config: existsSync(config) ? readFileSync(config, "utf8") : "",
  };
  const document = readConfig(config, before.config);
  const present = sourcesOf(document);
  const names = new Set(present.map(({ name }) => name));
  const mend = `Mend it, then: portcullis import ${target.name}`;
  const entries = onFile(target.file, mend, () => target.client.servers(before.client));

  const moved: { entry: string; source: McpSource }[] = [];
  const stays: { entry: string; why: string }[] = [];
  const secrets: MovedSecret[] = [];
  for (const [entry, said] of Object.entries(entries)) {
    if (entry === ourName || isOurs(said)) continue;
    const read = (name: string) =>
      toSource(said, {
        name,
        isSet: (variable) => (env[variable] ?? "") !== "",
        fileOf: (place) => join(secretsFolder(data), `${name}-${toFileName(place)}`),
      });
    const plain = toSourceName(entry);
    // An import that was cut off is gone on with: what it wrote already counts.
    const again = read(plain);
    if ("stays" in again) {
      stays.push({ entry, why: again.stays });
      continue;
    }
    if (present.some((one) => isDeepStrictEqual(one, again.source)) && again.secrets.every(isKept)) {
      moved.push({ entry, source: again.source });
      continue;
    }
    const name = toFreeName(plain, names);
    names.add(name);
    const found = name === plain ? again : read(name);
    if ("stays" in found) continue;
    moved.push({ entry, source: found.source });
    secrets.push(...found.secrets);
    appendSource(document, found.source);
  }
  const edits: Record<string, Entry | undefined> = Object.fromEntries(moved.map(({ entry }) => [entry, undefined]));
  const client = onFile(target.file, "Move those entries by hand: docs/upstream.md.", () =>
    target.client.edit(before.client, { ...edits, [ourName]: target.client.entry(target.way) }),
  );
  const changed = moved.some(({ source }) => !present.some((one) => isDeepStrictEqual(one, source)));
  const after = { client, config: changed ? document.toString({ lineWidth: 0 }) : before.config };
  return { ...{ target, config, moved, stays, secrets, before, after } };
}

export function readConfig(file: string, content: string): Document {
  const document = parseDocument(content, { uniqueKeys: true });
  const [broken] = document.errors;
  if (broken)
    throw new CommandError(exits.config, `${file} cannot be read: ${broken.message.split("\n")[0]}`, "Mend it first.");
  return document;
}

const sourcesOf = (document: Document): readonly McpSource[] => {
  const { sources } = (document.toJS({ maxAliasCount: 20 }) ?? {}) as { sources?: McpSource[] };
  return Array.isArray(sources) ? sources : [];
};

function appendSource(document: Document, source: McpSource): void {
  const list = document.get("sources", true);
  if (isSeq(list)) list.add(document.createNode(source));
  else document.set("sources", document.createNode([source]));
}

/** Takes sources out of a configuration that are still as they were written; answers with the names of those that are not. */
export function removeSources(document: Document, written: readonly McpSource[]): readonly string[] {
  const list = document.get("sources", true);
  const kept: string[] = [];
  for (const source of written) {
    const at = sourcesOf(document).findIndex((one) => isDeepStrictEqual(one, source));
    if (at >= 0 && isSeq(list)) list.delete(at);
    else if (sourcesOf(document).some(({ name }) => name === source.name)) kept.push(source.name);
  }
  if (isSeq(list) && list.items.length === 0) document.delete("sources");
  return kept;
}

const isKept = ({ file, value }: MovedSecret): boolean => existsSync(file) && readFileSync(file, "utf8") === value;

/** Whether an entry starts Portcullis itself, by whatever name. */
const isOurs = ({ command, args }: Entry): boolean =>
  [command, ...(Array.isArray(args) ? args : [])].some(
    (word) => typeof word === "string" && /(^|[\\/@])portcullis([\\/@]|$)/.test(word),
  );

/** What a client calls a server, in the letters of a source's name. */
function toSourceName(entry: string): string {
  const name = entry
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .slice(0, 24)
    .replace(/-+$/, "");
  return name === "" ? "upstream" : name;
}

function toFreeName(name: string, names: ReadonlySet<string>): string {
  const free = (one: string): boolean => !names.has(one) && !takenNames.has(one);
  if (free(name)) return name;
  for (let number = 2; ; number++) {
    const next = `${name.slice(0, 24 - `-${number}`.length).replace(/-+$/, "")}-${number}`;
    if (free(next)) return next;
  }
}

/** A place as a file's name; two places never share one. */
const toFileName = (place: string): string =>
  `${place.replace(/[^A-Za-z0-9]+/g, "-").slice(0, 60)}-${createHash("sha256").update(place).digest("hex").slice(0, 8)}`;
