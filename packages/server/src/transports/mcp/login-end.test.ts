import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { McpServer } from "@modelcontextprotocol/server";
import { expect, test } from "vitest";
import { createFakeCorridor } from "../../../../../test/support/fake-corridor.ts";
import { eventually } from "../../../../../test/support/guests.ts";
import { createMcpHttp } from "./http.ts";

const key = (name: string) => `io.modelcontextprotocol/${name}`;
const revision = "2026-07-28";
const method = "subscriptions/listen";
const _meta = {
  [key("protocolVersion")]: revision,
  [key("clientCapabilities")]: {},
  [key("clientInfo")]: { name: "t", version: "1" },
};

test("a subscription of the stateless revision ends with its login, and nothing is watched over then", async () => {
  const corridor = createFakeCorridor([], { secret: "duck", other: "goose" });
  const fixtures = {
    createServer: () => new McpServer({ name: "t", version: "1" }, { capabilities: { tools: { listChanged: true } } }),
    isPlain: () => false,
  };
  const mcp = createMcpHttp({ corridor, profile: "full", now: () => 0, fixtures });
  const server = createServer((request, response) => {
    const token = request.headers.authorization?.slice("Bearer ".length) ?? "";
    void mcp.handle(request, response, { credential: { kind: "token", token } });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const listen = async (token: string) => {
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-protocol-version": revision,
        "mcp-method": method,
      },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method,
        params: { notifications: { toolsListChanged: true }, _meta },
      }),
    });
    expect(response.status).toBe(200);
    let ended = false;
    void response.text().then(
      () => (ended = true),
      () => (ended = true),
    );
    return () => ended;
  };
  const [mine, others] = [await listen("secret"), await listen("other")];
  expect(corridor.watched()).toBe(2);
  corridor.endLogin("secret");
  await eventually(5_000, () => expect(mine()).toBe(true));
  expect(others()).toBe(false);
  await eventually(5_000, () => expect(corridor.watched()).toBe(1));
  await mcp.close();
  server.closeAllConnections();
  await eventually(5_000, () => expect(corridor.watched()).toBe(0));
  server.close();
});

test("of a thousand sessions that are abandoned no more is kept than the limit says", async () => {
  const corridor = createFakeCorridor([], { secret: "duck" });
  const sessions = { total: 16, perGrant: 8, idleMs: 60_000, lifetimeMs: 60_000 };
  const mcp = createMcpHttp({ corridor, profile: "full", now: () => 0, sessions });
  const server = createServer((request, response) => {
    void mcp.handle(request, response, { credential: { kind: "token", token: "secret" } });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params });
  const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
  for (let time = 0; time < 1_000; time++) {
    const response = await fetch(url, { method: "POST", headers, body });
    await response.text();
    expect(response.status).toBe(200);
  }
  expect(corridor.watched()).toBe(8);
  await mcp.close();
  expect(corridor.watched()).toBe(0);
  server.closeAllConnections();
  server.close();
});
