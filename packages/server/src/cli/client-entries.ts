import { applyEdits, modify, type ParseError, parse as parseJson, printParseErrorCode } from "jsonc-parser";
import { parse, stringify } from "smol-toml";

/** How a client reaches the server: over HTTP with a token from the environment, or by starting it as a child process. */
export type Way =
  | { readonly kind: "http"; readonly url: string; readonly tokenVariable: string }
  | { readonly kind: "stdio"; readonly command: string; readonly args: readonly string[] };

/** What a file holds under a server's name. */
export type Entry = Readonly<Record<string, unknown>>;

export interface ClientFile {
  /** The file's name below the home folder, or below the client's own home where a variable names one. */
  readonly home: { readonly variable?: string; readonly folder: string; readonly file: string; readonly mac?: string };
  /** False where the client can only start servers by itself. */
  readonly http: boolean;
  entry(way: Way): Entry;
  /** The entry alone, as a person would paste it. */
  print(way: Way): string;
  /** The servers that a file's text names; throws a `SyntaxError` on a text that it cannot read. */
  servers(text: string): Readonly<Record<string, Entry>>;
  /** The text with these entries put there or, where undefined, taken away, and everything else as it was. Throws a `SyntaxError` likewise. */
  edit(text: string, entries: Readonly<Record<string, Entry | undefined>>): string;
}

/** The name that Portcullis goes by in every client. */
export const ourName = "portcullis";

const isTable = (value: unknown): value is Entry =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const toEntries = (value: unknown): Readonly<Record<string, Entry>> =>
  Object.fromEntries(Object.entries(isTable(value) ? value : {}).filter(([, entry]) => isTable(entry))) as Readonly<
    Record<string, Entry>
  >;

/** Nothing is written that does not say what it was meant to say. */
function proven(file: Pick<ClientFile, "servers">, text: string, entries: Parameters<ClientFile["edit"]>[1]): string {
  const found = file.servers(text);
  for (const [name, entry] of Object.entries(entries))
    if (Object.hasOwn(found, name) !== (entry !== undefined))
      throw new SyntaxError(`the entry ${JSON.stringify(name)} could not be placed in this file`);
  return text;
}

function toml(key: string, entry: ClientFile["entry"], home: ClientFile["home"]): ClientFile {
  const servers: ClientFile["servers"] = (text) => {
    try {
      return toEntries((parse(text) as Entry)[key]);
    } catch (error) {
      throw new SyntaxError((error as Error).message);
    }
  };
  return {
    ...{ home, http: true, entry, servers },
    print: (way) => stringify({ [key]: { [ourName]: entry(way) } }).trim(),
    edit(text, entries) {
      const before = servers(text);
      const others = Object.keys(before).filter((name) => !Object.hasOwn(entries, name));
      let kept = text;
      for (const name of Object.keys(entries)) kept = withoutTable(kept, [key, name]);
      const put = Object.entries(entries).flatMap(([name, one]) =>
        one === undefined ? [] : [stringify({ [key]: { [name]: one } }).trim()],
      );
      const merged = `${[kept.trimEnd(), ...put].filter((part) => part !== "").join("\n\n")}\n`;
      proven({ servers }, merged, { ...entries, ...Object.fromEntries(others.map((name) => [name, before[name]])) });
      return merged;
    },
  };
}

/** Drops a table and its subtables line by line, so that comments and the order of everything else stay. */
function withoutTable(text: string, path: readonly string[]): string {
  let inside = false;
  const kept = text.split("\n").filter((line) => {
    const header = readHeader(line);
    if (header !== undefined) inside = path.every((step, at) => header[at] === step);
    return !inside;
  });
  return kept.join("\n");
}

/** The path of a table's header (`[a."b.c"]`); undefined where a line is none. */
function readHeader(line: string): readonly string[] | undefined {
  const [, , inner] = /^\s*(\[\[?)\s*((?:"(?:[^"\\]|\\.)*"|'[^']*'|[^"'\]#])+?)\s*\]\]?\s*(?:#.*)?$/.exec(line) ?? [];
  if (inner === undefined) return undefined;
  try {
    const path: string[] = [];
    for (let at: unknown = parse(`[${inner}]`); isTable(at); ) {
      const [name] = Object.keys(at);
      if (name === undefined) break;
      path.push(name);
      at = at[name];
    }
    return path;
  } catch {
    return undefined;
  }
}

interface JsonFile {
  readonly key: string;
  readonly entry: ClientFile["entry"];
  readonly home: ClientFile["home"];
  readonly http?: boolean;
}

/** A JSON file, with comments where its client takes them. */
function json({ key, entry, home, http = true }: JsonFile): ClientFile {
  const read = (text: string): Entry => {
    if (text.trim() === "") return {};
    const errors: ParseError[] = [];
    const tree: unknown = parseJson(text, errors, { allowTrailingComma: true });
    const [first] = errors;
    if (first) throw new SyntaxError(`${printParseErrorCode(first.error)} at character ${first.offset}`);
    if (!isTable(tree)) throw new SyntaxError("the file does not hold a JSON object");
    return tree;
  };
  const servers: ClientFile["servers"] = (text) => toEntries(read(text)[key]);
  return {
    ...{ home, http, entry, servers },
    print: (way) => JSON.stringify({ [key]: { [ourName]: entry(way) } }, null, 2),
    edit(text, entries) {
      const tree = read(text);
      const indent = /\n(\t| +)\S/.exec(text)?.[1] ?? "  ";
      const formattingOptions = { insertSpaces: indent !== "\t", tabSize: indent.length, eol: "\n" };
      let merged = text.trim() === "" ? "{}\n" : text;
      const put = (path: readonly string[], value: unknown): void => {
        merged = applyEdits(merged, modify(merged, [...path], value, { formattingOptions }));
      };
      if (!isTable(tree[key])) put([key], {});
      for (const [name, one] of Object.entries(entries)) put([key, name], one);
      return proven({ servers }, merged, entries);
    },
  };
}

const byChild = ({ command, args }: Extract<Way, { kind: "stdio" }>): Entry => ({ command, args: [...args] });

/** An entry whose client reads a variable of the environment in the way that `variable` writes it. */
const remote =
  (variable: (name: string) => string, types: boolean): ClientFile["entry"] =>
  (way) => {
    if (way.kind === "stdio") return { ...(types && { type: "stdio" }), ...byChild(way) };
    const headers = { Authorization: `Bearer ${variable(way.tokenVariable)}` };
    return { ...(types && { type: "http" }), url: way.url, headers };
  };

/** The clients that Portcullis can enter itself into. */
export const clientFiles: Readonly<Record<string, ClientFile>> = {
  codex: toml(
    "mcp_servers",
    (way) =>
      way.kind === "http"
        ? // Without `required` Codex may begin before the tools are listed.
          { url: way.url, bearer_token_env_var: way.tokenVariable, required: true }
        : { ...byChild(way), required: true },
    { variable: "CODEX_HOME", folder: ".codex", file: "config.toml" },
  ),
  claude: json({
    key: "mcpServers",
    entry: remote((name) => `\${${name}}`, true),
    home: { folder: ".", file: ".claude.json" },
  }),
  "claude-desktop": json({
    key: "mcpServers",
    entry: (way) => (way.kind === "stdio" ? byChild(way) : {}),
    home: { folder: ".config/Claude", file: "claude_desktop_config.json", mac: "Library/Application Support/Claude" },
    http: false,
  }),
  cursor: json({
    key: "mcpServers",
    entry: remote((name) => `\${env:${name}}`, false),
    home: { folder: ".cursor", file: "mcp.json" },
  }),
  gemini: json({
    key: "mcpServers",
    // Gemini CLI takes `url` for the older SSE transport, and reads variables in any text of its settings.
    entry: (way) =>
      way.kind === "stdio"
        ? byChild(way)
        : { httpUrl: way.url, headers: { Authorization: `Bearer $${way.tokenVariable}` } },
    home: { variable: "GEMINI_CLI_HOME", folder: ".", file: ".gemini/settings.json" },
  }),
  vscode: json({
    key: "servers",
    entry: remote((name) => `\${env:${name}}`, true),
    home: { folder: ".config/Code/User", file: "mcp.json", mac: "Library/Application Support/Code/User" },
  }),
};
