import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { parseUrl } from "../network/parse-url.ts";
import type { KnownSecret } from "../redaction/known-secrets.ts";
import type { Environment } from "./read-settings.ts";
import type { McpSource, Model, OpenApiSource, Value } from "./source-settings.ts";

type Texts = Readonly<Record<string, string>>;

type Read<S> = Omit<S, "headers" | "env" | "query" | "args" | "bearer"> & {
  readonly headers: Texts;
  readonly env: Texts;
  readonly query: Texts;
  readonly args: readonly string[];
};

export type ReadSource = (Omit<Read<McpSource>, "oauth"> & { readonly oauth?: ReadOAuth }) | Read<OpenApiSource>;

/** As the configuration has it, with the secret from where that is kept. */
export type ReadOAuth = Omit<NonNullable<McpSource["oauth"]>, "clientSecret"> & { readonly clientSecret?: string };

export interface ReadSources {
  readonly sources: readonly ReadSource[];
  /** All that was kept as a secret, and every header: it must never leave. */
  readonly secrets: readonly KnownSecret[];
}

export type ReadModel = Omit<Model, "key"> & { readonly key?: string };

/** Reads the models with their keys from where these are kept. Throws an Error that names the model. */
export function readModels(
  models: readonly Model[],
  env: Environment,
): { readonly models: readonly ReadModel[]; readonly secrets: readonly KnownSecret[] } {
  const secrets: KnownSecret[] = [];
  const read = models.map(({ key, ...model }, at): ReadModel => {
    const { name, url } = model;
    const fail = (why: string): Error => new Error(`models, ${name}: ${why}`);
    if (models.findIndex((other) => other.name === name) !== at) throw fail("there is another model of this name.");
    checkUrl(url, fail);
    if (new URL(url).search !== "") throw fail("its url holds a query.");
    if (key === undefined) return model;
    const value = prefixOf(key) + readValue(key, env, fail);
    if (!/^[\x21-\x7e]+$/.test(value)) throw fail("its key has spaces in it, or what cannot stand in a header.");
    secrets.push({ name, value });
    return { ...model, key: value };
  });
  return { models: read, secrets };
}

/** What stands before a secret, and is none. */
const prefixOf = (value: Value): string => (typeof value === "object" && "prefix" in value ? (value.prefix ?? "") : "");

/** A value from where it is kept. */
function readValue(value: Value, env: Environment, fail: (why: string) => Error): string {
  if (typeof value === "string") return value;
  if ("secret" in value) return value.secret;
  if ("file" in value) return readSecretFile(value.file, fail);
  const found = env[value.env];
  if (found === undefined || found === "") throw fail(`the environment has no ${value.env}.`);
  return found;
}

/** What a source cannot be called, since tools of ours or documents begin with it. */
export const takenNames: ReadonlySet<string> = new Set([
  "fs",
  "git",
  "http",
  "search",
  "fetch",
  "index",
  "vault",
  "file",
  "policy",
  "consent",
  "served",
  "web",
  "prompts",
  "sampling",
]);

/** Reads the sources with their secrets from where these are kept. Throws an Error that names the source and says what is wrong with it. */
export function readSources(sources: readonly (McpSource | OpenApiSource)[], env: Environment): ReadSources {
  const secrets: KnownSecret[] = [];
  const names = new Set<string>();
  const read = (source: McpSource | OpenApiSource): ReadSource => {
    const { name } = source;
    const fail = (why: string): Error => new Error(`sources, ${name}: ${why}`);
    if (takenNames.has(name)) throw fail("this name is taken by tools of Portcullis; choose another.");
    if (names.has(name)) throw fail("there is another source of this name.");
    names.add(name);
    const keep = (text: string): string => {
      secrets.push({ name, value: text });
      // What stands behind a scheme, or an option's name, is the secret.
      const [, bare] = /^(?:(?:bearer|basic|token)\s+|--?[\w-]+=)(\S+)$/i.exec(text) ?? [];
      if (bare !== undefined) secrets.push({ name, value: bare });
      return text;
    };
    const toText = (value: Value, always: boolean): string => {
      const text = readValue(value, env, fail);
      if (typeof value === "string") return always ? keep(text) : text;
      return prefixOf(value) + keep(text);
    };
    const toTexts = (values: Readonly<Record<string, Value>> | undefined, always = false): Texts =>
      Object.fromEntries(Object.entries(values ?? {}).map(([key, value]) => [key, toText(value, always)]));
    for (const path of Object.values(source.tools ?? {}).flatMap(({ paths = [], urls = [] }) => [...paths, ...urls]))
      if (path.split(".").includes(""))
        throw fail(`${JSON.stringify(path)} is no place of an argument, such as edits.*.path.`);
    const headers = toTexts(source.headers, true);
    if (source.kind === "openapi") {
      const { bearer, document, url, ...rest } = source;
      const strange = Object.values(source.tools ?? {}).some(({ paths, urls, binary }) => paths ?? urls ?? binary);
      if (strange || source.firstSight !== undefined)
        throw fail(
          "paths, urls, binary and firstSight are for MCP servers: an API's tools are judged by the URL that they call.",
        );
      const authorization = bearer === undefined ? undefined : `Bearer ${toText(bearer, true)}`;
      if (authorization !== undefined && Object.keys(headers).some((one) => one.toLowerCase() === "authorization"))
        throw fail("bearer and the header authorization are one: give one of them.");
      const path = expand(document, env);
      if (!isAbsolute(path)) throw fail("document is an absolute path, or begins with ~/.");
      if (url !== undefined) checkUrl(url, fail);
      for (const [name, value] of Object.entries({ ...headers, ...(authorization && { authorization }) }))
        if (!/^[\x20-\x7e]*$/.test(value)) throw fail(`what is in the header ${name} cannot stand in one.`);
      return {
        ...{ ...rest, document: path, env: {}, args: [], query: toTexts(source.query, true) },
        headers: { ...headers, ...(authorization !== undefined && { authorization }) },
        ...(url !== undefined && { url }),
      };
    }
    const [stdio, http] = [source.command !== undefined, source.url !== undefined];
    if (stdio === http) throw fail("it needs a command or a url, and not both.");
    if (http && (source.env ?? source.args ?? source.cwd) !== undefined)
      throw fail("env, args and cwd are for a command.");
    if (stdio && source.headers !== undefined) throw fail("headers are for a url.");
    if (http) checkUrl(source.url ?? "", fail);
    const { auth, oauth, ...rest } = source;
    if (!http && (auth ?? oauth) !== undefined) throw fail("auth and oauth are for a url.");
    if (auth === undefined && oauth !== undefined) throw fail("oauth needs auth: oauth.");
    if (auth !== undefined && Object.keys(headers).some((one) => one.toLowerCase() === "authorization"))
      throw fail("auth: oauth and the header authorization are one: give one of them.");
    if (oauth?.clientSecret !== undefined && oauth.clientId === undefined) throw fail("clientSecret needs a clientId.");
    if (oauth?.issuer !== undefined) checkUrl(oauth.issuer, (why) => fail(`oauth.issuer: ${why}`));
    const { clientSecret, ...known } = oauth ?? {};
    const login: ReadOAuth = {
      ...known,
      ...(clientSecret !== undefined && { clientSecret: toText(clientSecret, true) }),
    };
    if (source.cwd !== undefined && !isAbsolute(expand(source.cwd, env))) throw fail("cwd is an absolute path.");
    const args = (source.args ?? []).map((value) => toText(value, false));
    return {
      ...{ ...rest, ...(auth && { auth, oauth: login }) },
      ...{ headers, query: {}, args, env: toTexts(source.env) },
      ...(source.cwd !== undefined && { cwd: expand(source.cwd, env) }),
    };
  };
  return { sources: sources.map(read), secrets };
}

const expand = (path: string, env: Environment): string =>
  /^~(\/|$)/.test(path) ? join(env.HOME ?? homedir(), path.slice(1)) : path;

/** The headers go there, so it is https or this very machine. */
function checkUrl(text: string, fail: (why: string) => Error): void {
  const parsed = parseUrl(text);
  if ("fault" in parsed) throw fail(`its url cannot be used. ${parsed.fault.message}`);
  const { protocol, hostname, username, password, hash } = new URL(text);
  const local = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
  if (protocol !== "https:" && !(protocol === "http:" && local))
    throw fail("its url is not https, and not of this machine.");
  if (username !== "" || password !== "" || hash !== "") throw fail("its url holds a user, a password or a fragment.");
}

function readSecretFile(path: string, fail: (why: string) => Error): string {
  try {
    const text = readFileSync(path, "utf8").trim();
    if (text.length > 32_768 || text === "") throw new Error("it is empty or longer than a secret");
    return text;
  } catch (error) {
    throw fail(`${path} cannot be read: ${(error as Error).message}.`);
  }
}
