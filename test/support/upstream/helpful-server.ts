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

const notes = new Map([
  ["note://shelf/todo", "Water the plants."],
  ["note://shelf/secret", "The safe opens with ghp_0123456789abcdefghijABCDEFGHIJ012345."],
  ["note://attic/old", "Nobody remembers."],
]);

const server = new Server(
  { name: "helpful", version: "1" },
  {
    capabilities: {
      tools: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      prompts: { listChanged: true },
    },
  },
);
server.setRequestHandler("tools/list", () => ({ tools: tools() }));
server.setRequestHandler("tools/call", ({ params }) => call(params.name, params.arguments ?? {}));
server.setRequestHandler("resources/list", () => ({
  resources: [
    ...[...notes.keys()].map((uri) => ({ uri, name: uri.split("/").at(-1) ?? "", mimeType: "text/plain" })),
    { uri: "note://shelf/photo", name: "photo", mimeType: "image/png" },
    // What has another spelling, or is no URI, is offered to nobody.
    { uri: "note://shelf/../attic/old", name: "sideways" },
    { uri: "not a uri", name: "none" },
  ],
}));
server.setRequestHandler("resources/templates/list", () => ({
  resourceTemplates: [{ uriTemplate: "note://shelf/{name}", name: "Note", description: "A note of the shelf." }],
}));
server.setRequestHandler("resources/read", ({ params: { uri } }) => {
  if (uri === "note://shelf/photo")
    return { contents: [{ uri, mimeType: "image/png", blob: Buffer.from("pixels").toString("base64") }] };
  const text = notes.get(uri);
  if (text === undefined) throw new Error(`There is no ${uri}.`);
  return { contents: [{ uri, mimeType: "text/plain", text }] };
});
server.setRequestHandler("resources/subscribe", ({ params: { uri } }) => {
  setTimeout(() => void server.sendResourceUpdated({ uri }).catch(() => {}), 300);
  return {};
});
server.setRequestHandler("resources/unsubscribe", () => ({}));
server.setRequestHandler("prompts/list", () => ({
  prompts: [
    {
      name: "review",
      description: describeEcho(),
      arguments: [{ name: "text", description: "What is looked at.", required: true }],
    },
  ],
}));
server.setRequestHandler("prompts/get", ({ params }) => ({
  messages: [{ role: "user" as const, content: { type: "text" as const, text: `Review: ${params.arguments?.text}` } }],
}));
await server.connect(new StdioServerTransport());
if (file !== undefined)
  watchFile(file, { interval: 50 }, () => {
    void server.notification({ method: "notifications/tools/list_changed" });
    void server.notification({ method: "notifications/prompts/list_changed" });
  });
