// An MCP server over stdio as its maker's library builds them, with tools that show what reaches it. `node helpful-server.ts [FILE]`: what FILE holds
// is the description of `echo`, and a change of it is announced.
import { readFileSync, watchFile } from "node:fs";
import { type CallToolResult, Server, type Tool } from "@modelcontextprotocol/server";
import { StdioServerTransport } from "@modelcontextprotocol/server/stdio";

const [file] = process.argv.slice(2);
const describeEcho = (): string => (file === undefined ? "Gives back a text." : readFileSync(file, "utf8").trim());

const text = { type: "string" } as const;
const noArguments = { type: "object", properties: {} } as const;
const tools = (): Tool[] => [
  {
    name: "echo",
    description: describeEcho(),
    inputSchema: { type: "object", properties: { text }, required: ["text"], additionalProperties: false },
  },
  {
    name: "read_file",
    description: "Reads a file.",
    inputSchema: { type: "object", properties: { path: text }, required: ["path"] },
  },
  { name: "get-env", description: "Shows the environment.", inputSchema: noArguments },
  {
    name: "told",
    description: "Shows the arguments.",
    inputSchema: { type: "object", properties: { purpose: text, note: text } },
  },
  { name: "fail", description: "Fails.", inputSchema: noArguments },
  { name: "pid", description: "Tells its process.", inputSchema: noArguments },
  { name: "picture", description: "Shows a picture.", inputSchema: noArguments },
  {
    name: "wait",
    description: "Takes its time.",
    inputSchema: { type: "object", properties: { ms: { type: "number" } } },
  },
  ...(describeEcho().includes("and more")
    ? [{ name: "newcomer", description: describeEcho(), inputSchema: noArguments }]
    : []),
];

const say = (said: string): CallToolResult => ({ content: [{ type: "text", text: said }] });

async function call(name: string, args: Readonly<Record<string, unknown>>): Promise<CallToolResult> {
  switch (name) {
    case "echo":
      return { ...say(String(args.text)), structuredContent: { said: args.text } };
    case "read_file":
      return say(readFileSync(String(args.path), "utf8"));
    case "get-env":
      return say(JSON.stringify(process.env));
    case "told":
      return say(JSON.stringify(args));
    case "picture":
      return { content: [{ type: "image", data: Buffer.from("pixels").toString("base64"), mimeType: "image/png" }] };
    case "wait":
      await new Promise((resolve) => setTimeout(resolve, Number(args.ms ?? 0)));
      return say("done");
    case "pid":
      return { ...say("pid"), structuredContent: { pid: process.pid } };
    case "newcomer":
      return say("new");
    default:
      return { ...say("It does not work, and ghp_0123456789abcdefghijABCDEFGHIJ012345 is why."), isError: true };
  }
}

const server = new Server({ name: "helpful", version: "1" }, { capabilities: { tools: { listChanged: true } } });
server.setRequestHandler("tools/list", () => ({ tools: tools() }));
server.setRequestHandler("tools/call", ({ params }) => call(params.name, params.arguments ?? {}));
await server.connect(new StdioServerTransport());
if (file !== undefined)
  watchFile(file, { interval: 50 }, () => void server.notification({ method: "notifications/tools/list_changed" }));
