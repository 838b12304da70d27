// What the protocol benchmark measures beside: the MCP SDK's own transport with no check before it, and `ws` as its documentation wires it.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { NodeStreamableHTTPServerTransport } from "@modelcontextprotocol/node";
import { McpServer } from "@modelcontextprotocol/server";
import { WebSocketServer } from "ws";

const sessions = new Map<string, NodeStreamableHTTPServerTransport>();
const server = createServer(async (request, response) => {
  const known = sessions.get(String(request.headers["mcp-session-id"]));
  if (known) return known.handleRequest(request, response);
  const transport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => void sessions.set(id, transport),
  });
  await new McpServer({ name: "bare", version: "1" }).connect(transport);
  return transport.handleRequest(request, response);
});

const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on("connection", (socket) => {
  socket.on("error", () => {});
  socket.on("message", (data: Buffer) => {
    try {
      const { id } = JSON.parse(data.toString()) as { id?: unknown };
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, result: {} }));
    } catch {
      socket.send('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}');
    }
  });
});
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
