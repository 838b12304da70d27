import type { McpSource, Value } from "../config/source-settings.ts";
import { createRedactor } from "../redaction/redactor.ts";
import { weighName } from "../redaction/secret-names.ts";
import type { Entry } from "./client-entries.ts";

/** An entry of a client as a source, or why it stays where it is. */
export type Imported =
  | { readonly source: McpSource; readonly secrets: readonly MovedSecret[] }
  | { readonly stays: string };

/** A secret that a client's file holds in the open, and the file that keeps it from now on. */
export interface MovedSecret {
  readonly file: string;
  readonly value: string;
}

export interface Importing {
  /** The source's name. */
  readonly name: string;
  /** Where the secret of a place (`env/KEY`) is to be kept. */
  fileOf(place: string): string;
  /** Whether the environment has a variable. */
  isSet(variable: string): boolean;
}

/** Why an entry stays with its client. */
class Stays extends Error {}

const redactor = createRedactor();
/** What clients write for a variable of the environment, when a value is nothing else but the scheme of a header before it. */
const variable = /^((?:bearer|basic|token) )?\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)\}$/i;
const known = new Set([
  ...[
    "type",
    "transport",
    "command",
    "args",
    "env",
    "cwd",
    "url",
    "serverUrl",
    "httpUrl",
    "headers",
    "enabled",
    "disabled",
  ],
  ...["bearer_token_env_var", "http_headers", "env_http_headers", "env_vars"],
  // What only says how that client shows a server, or how long it waits.
  ...[
    "required",
    "startup_timeout_sec",
    "startup_timeout_ms",
    "tool_timeout_sec",
    "timeout",
    "autoApprove",
    "alwaysAllow",
  ],
  ...["description", "gallery", "version", "name", "icon", "enabled_tools", "disabled_tools"],
]);

/** Reads what a client's file says of one server. Nothing that is not understood is guessed at: then the entry stays. */
export function toSource(entry: Entry, { name, fileOf, isSet }: Importing): Imported {
  const secrets: MovedSecret[] = [];
  const move = (place: string, value: string): Value => {
    const file = fileOf(place);
    secrets.push({ file, value });
    return { file };
  };
  const fromVariable = (variable: string, prefix?: string): Value => {
    if (!isSet(variable)) throw new Stays(`it needs the variable ${variable}, which is not set here`);
    return { env: variable, ...(prefix !== undefined && { prefix }) };
  };
  const toValue = (place: string, raw: unknown, secret: boolean): Value => {
    if (typeof raw !== "string" && typeof raw !== "number" && typeof raw !== "boolean")
      throw new Stays(`${place} is no text`);
    const text = String(raw);
    const [, prefix, env] = variable.exec(text) ?? [];
    if (env !== undefined) return fromVariable(env, prefix);
    if (text.includes("${")) throw new Stays(`${place} has a placeholder that only its client can fill in`);
    return secret && text.trim() !== "" ? move(place, text) : text;
  };
  const toValues = (part: string, raw: unknown, always = false): Readonly<Record<string, Value>> =>
    Object.fromEntries(
      Object.entries(tableOf(raw, part)).map(([key, value]) => {
        if (!/^[A-Za-z0-9_-]{1,256}$/.test(key)) throw new Stays(`${part} has a name that cannot be taken over`);
        return [key, toValue(`${part}/${key}`, value, always || isSecret(key, String(value)))];
      }),
    );
  const variables = (part: string, raw: unknown): Readonly<Record<string, Value>> =>
    Object.fromEntries(Object.entries(tableOf(raw, part)).map(([key, env]) => [key, fromVariable(textOf(env, part))]));

  const read = (): McpSource => {
    const strange = Object.keys(entry).filter((key) => !known.has(key));
    if (strange.length > 0) throw new Stays(`${strange.join(", ")} is not known here`);
    if (entry.enabled === false || entry.disabled === true) throw new Stays("it is switched off");
    const type = entry.type ?? entry.transport;
    if (type === "sse") throw new Stays("HTTP with SSE is not spoken here; ask for its Streamable HTTP address");
    const url = entry.url ?? entry.serverUrl ?? entry.httpUrl;
    if (url !== undefined) {
      const address = textOf(url, "url");
      if (address.includes("${")) throw new Stays("url has a placeholder that only its client can fill in");
      const { bearer_token_env_var: bearer } = entry;
      const headers = {
        ...toValues("headers", entry.headers, true),
        ...toValues("headers", entry.http_headers, true),
        ...variables("headers", entry.env_http_headers),
        ...(bearer !== undefined && { Authorization: fromVariable(textOf(bearer, "variable"), "Bearer ") }),
      };
      return { kind: "mcp", name, url: address, ...(Object.keys(headers).length > 0 && { headers }) };
    }
    const command = textOf(entry.command, "command");
    if (command.includes("${")) throw new Stays("command has a placeholder that only its client can fill in");
    const given = Array.isArray(entry.args) ? entry.args : [];
    const args = given.map((arg, at) => toValue(`args/${at}`, arg, isSecretArgument(given[at - 1], arg)));
    const passed = Array.isArray(entry.env_vars)
      ? entry.env_vars.map((one) => [textOf(one, "env_vars"), fromVariable(textOf(one, "env_vars"))])
      : [];
    const env = { ...Object.fromEntries(passed), ...toValues("env", entry.env) };
    return {
      ...{ kind: "mcp", name, command },
      ...(args.length > 0 && { args }),
      ...(Object.keys(env).length > 0 && { env }),
      ...(entry.cwd !== undefined && { cwd: textOf(entry.cwd, "cwd") }),
    };
  };
  try {
    const tools = toTools(entry);
    return { source: { ...read(), ...(tools && { tools }) }, secrets };
  } catch (error) {
    if (!(error instanceof Stays)) throw error;
    return { stays: error.message };
  }
}

/** Tools that a client did not show are hidden here too. */
function toTools({ enabled_tools: shown, disabled_tools: hidden }: Entry): McpSource["tools"] {
  const names = (raw: unknown): readonly string[] => (Array.isArray(raw) ? raw.map((one) => textOf(one, "tool")) : []);
  const said = [
    ...(Array.isArray(shown) ? [["*", { expose: false }] as const] : []),
    ...names(shown).map((name) => [name, { expose: true }] as const),
    ...names(hidden).map((name) => [name, { expose: false }] as const),
  ];
  return said.length === 0 ? undefined : Object.fromEntries(said);
}

function tableOf(raw: unknown, part: string): Readonly<Record<string, unknown>> {
  if (raw === undefined || raw === null) return {};
  if (typeof raw !== "object" || Array.isArray(raw)) throw new Stays(`${part} is no table`);
  return raw as Readonly<Record<string, unknown>>;
}

function textOf(raw: unknown, part: string): string {
  if (typeof raw !== "string" || raw === "") throw new Stays(`it has no ${part} that can be read`);
  return raw;
}

const masked = (text: string): boolean => {
  const { masked: found } = redactor.scrubText(text);
  return Object.keys(found).length > 0;
};

/** Whether a value has to be kept as a secret: by its name, or because it looks like one. */
function isSecret(name: string, value: string): boolean {
  const { weight } = weighName(name);
  return weight === "secret" || weight === "password" || masked(value) || masked(`${name}=${value}`);
}

/** An argument can be a secret by itself, by its own option (`--key=…`), or by the option before it. */
function isSecretArgument(before: unknown, value: unknown): boolean {
  const text = String(value);
  const [, own = "", rest = ""] = /^--?([\w-]+)=(.*)$/s.exec(text) ?? [];
  const [, option = ""] = /^--?([\w-]+)$/.exec(String(before)) ?? [];
  return (
    (rest !== "" && isSecret(own, rest)) ||
    (option !== "" && !text.startsWith("-") && isSecret(option, text)) ||
    masked(text)
  );
}
