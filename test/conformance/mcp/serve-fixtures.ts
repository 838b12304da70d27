// Serves the fixtures of the conformance suite through the product's own MCP transport; prints one line of JSON when it listens.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { localhostHostValidation, localhostOriginValidation } from "@modelcontextprotocol/node";
import { createMcpHttp } from "../../../packages/server/src/transports/mcp/http.ts";
import { createFakeCorridor } from "../../support/fake-corridor.ts";
import { createFixtureServer, headerTool } from "./fixture-server.ts";

const isLocalHost = localhostHostValidation();
const isLocalOrigin = localhostOriginValidation();
const mcp = createMcpHttp({
  corridor: createFakeCorridor([]),
  profile: "full",
  now: () => performance.now(),
  fixtures: { createServer: createFixtureServer, isPlain: (tool) => tool !== headerTool },
});

const server = createServer((request, response) => {
  // The HTTP door checks both before a transport sees a request.
  if (!isLocalHost(request, response) || !isLocalOrigin(request, response)) return;
  void mcp.handle(request, response, { credential: { kind: "local", subject: "conformance" } });
});
server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  console.log(JSON.stringify({ event: "listening", mcp: `http://127.0.0.1:${port}/mcp` }));
});
