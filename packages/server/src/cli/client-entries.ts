import { parse, stringify } from "smol-toml";

/** How a client reaches the server: over HTTP with a token from the environment, or by starting it as a child process. */
export type Way =
  | { readonly kind: "http"; readonly url: string; readonly tokenVariable: string }
  | { readonly kind: "stdio"; readonly command: string; readonly args: readonly string[] };

export interface ClientFile {
  /** The file's name below the home folder, or below the client's own home where a variable names one. */
  readonly home: { readonly variable?: string; readonly folder: string; readonly file: string };
  /** The entry alone, as a person would paste it. */
  print(way: Way): string;
  /** The file's text with the entry added or replaced and everything else as it was; throws a `SyntaxError` on a file it cannot read. */
  merge(text: string, way: Way): string;
}

const codexEntry = (way: Way): Record<string, unknown> =>
  way.kind === "http"
    ? // Without `required` Codex may begin before the tools are listed.
      { url: way.url, bearer_token_env_var: way.tokenVariable, required: true }
    : { command: way.command, args: [...way.args], required: true };

const codexTable = (way: Way): string => stringify({ mcp_servers: { portcullis: codexEntry(way) } }).trim();

const codex: ClientFile = {
  home: { variable: "CODEX_HOME", folder: ".codex", file: "config.toml" },
  print: codexTable,
  merge(text, way) {
    try {
      parse(text);
    } catch (error) {
      throw new SyntaxError((error as Error).message);
    }
    const kept = withoutTable(text, "mcp_servers.portcullis").trimEnd();
    const merged = `${kept}${kept === "" ? "" : "\n\n"}${codexTable(way)}\n`;
    const result = parse(merged) as { mcp_servers?: { portcullis?: unknown } };
    if (result.mcp_servers?.portcullis === undefined)
      throw new SyntaxError("the entry could not be placed in this file");
    return merged;
  },
};

/** Drops a table and its subtables line by line, so that comments and the order of everything else stay. */
function withoutTable(text: string, name: string): string {
  let inside = false;
  const kept = text.split("\n").filter((line) => {
    const header = /^\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$/.exec(line)?.[1]?.replace(/["'\s]/g, "");
    if (header !== undefined) inside = header === name || header.startsWith(`${name}.`);
    return !inside;
  });
  return kept.join("\n");
}

const claudeEntry = (way: Way): Record<string, unknown> =>
  way.kind === "http"
    ? { type: "http", url: way.url, headers: { Authorization: `Bearer \${${way.tokenVariable}}` } }
    : { type: "stdio", command: way.command, args: [...way.args] };

const claude: ClientFile = {
  home: { folder: ".", file: ".claude.json" },
  print: (way) => JSON.stringify({ mcpServers: { portcullis: claudeEntry(way) } }, null, 2),
  merge(text, way) {
    const tree: unknown = text.trim() === "" ? {} : JSON.parse(text);
    if (typeof tree !== "object" || tree === null || Array.isArray(tree))
      throw new SyntaxError("the file does not hold a JSON object");
    const { mcpServers } = tree as { mcpServers?: unknown };
    const servers = typeof mcpServers === "object" && mcpServers !== null ? mcpServers : {};
    return `${JSON.stringify({ ...tree, mcpServers: { ...servers, portcullis: claudeEntry(way) } }, null, 2)}\n`;
  },
};

/** The clients that `portcullis connect` knows. */
export const clientFiles: Readonly<Record<string, ClientFile>> = { codex, claude };
