// A plain MCP server, as many are: one tool that reads a CRM record and one that fetches a page. Nothing stands between them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromJsonSchema, McpServer } from "@modelcontextprotocol/server";
import { StdioServerTransport } from "@modelcontextprotocol/server/stdio";

const folder = process.argv[2] ?? ".";
const input = <T>(name: string) =>
  fromJsonSchema<T>({ type: "object", properties: { [name]: { type: "string" } }, required: [name] });

const server = new McpServer({ name: "plain", version: "1" });
server.registerTool(
  "fs_readFile",
  { description: "Reads a file.", inputSchema: input<{ path: string }>("path") },
  async ({ path }) => ({ content: [{ type: "text", text: readFileSync(join(folder, "..", path), "utf8") }] }),
);
server.registerTool(
  "http_fetch",
  { description: "Fetches a page.", inputSchema: input<{ url: string }>("url") },
  async ({ url }) => ({ content: [{ type: "text", text: await (await fetch(url)).text() }] }),
);
await server.connect(new StdioServerTransport());
