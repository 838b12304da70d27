// The floor that the benchmark of MCP over HTTP is measured against: the SDK's own server with one tool that reads a file, wired as its
// documentation says (a session for the older revisions, one server a request for the newest), and nothing between: no token, policy, limit,
// redaction or record. `node bench/peers/bare-sdk-server.ts` prints one line of JSON when it listens.
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type NodeIncomingMessageLike,
  type NodeServerResponseLike,
  NodeStreamableHTTPServerTransport,
  toNodeHandler,
  toWebRequest,
} from "@modelcontextprotocol/node";
import { createMcpHandler, fromJsonSchema, isLegacyRequest, McpServer } from "@modelcontextprotocol/server";

const input = fromJsonSchema<{ path: string }>({
  type: "object",
  properties: { path: { type: "string" } },
  required: ["path"],
  additionalProperties: false,
});
const output = fromJsonSchema<{ content: string }>({
  type: "object",
  properties: { content: { type: "string" } },
  required: ["content"],
});

function createBareServer(): McpServer {
  const server = new McpServer({ name: "bare", version: "1" });
  server.registerTool(
    "fs_readFile",
    { description: "Reads a file.", inputSchema: input, outputSchema: output, annotations: { readOnlyHint: true } },
    async ({ path }) => {
      const structuredContent = { content: await readFile(path, "utf8") };
      return { structuredContent, content: [{ type: "text", text: JSON.stringify(structuredContent) }] };
    },
  );
  return server;
}

const sessions = new Map<string, NodeStreamableHTTPServerTransport>();
const modern = toNodeHandler(createMcpHandler(createBareServer, { legacy: "reject" }));

async function serveLegacy(request: IncomingMessage, response: ServerResponse, body: unknown): Promise<void> {
  const known = sessions.get(String(request.headers["mcp-session-id"]));
  if (known) return known.handleRequest(request, response, body);
  const transport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => void sessions.set(id, transport),
  });
  await createBareServer().connect(transport);
  return transport.handleRequest(request, response, body);
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString());
}

const server = createServer(async (request, response) => {
  const body = await readBody(request);
  const like = request as NodeIncomingMessageLike;
  // A request of a session is an older one; asking the SDK costs a web Request, so it is asked only where that is not plain.
  const legacy = "mcp-session-id" in request.headers || (await isLegacyRequest(await toWebRequest(like, body), body));
  return legacy ? serveLegacy(request, response, body) : modern(like, response as NodeServerResponseLike, body);
});
server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  console.log(JSON.stringify({ event: "listening", mcp: `http://127.0.0.1:${port}/mcp` }));
});
