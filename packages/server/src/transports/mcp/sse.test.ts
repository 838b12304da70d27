import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Client, SSEClientTransport } from "@modelcontextprotocol/client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { document, openLibrary } from "../../../../../test/conformance/mcp/library.ts";
import type { FakeCorridor } from "../../../../../test/support/fake-corridor.ts";
import type { McpHttp } from "./http.ts";
import { createMcpSse } from "./sse.ts";

let library: FakeCorridor;
let sse: McpHttp;
let server: Server;
let url: string;

beforeEach(async () => {
  library = openLibrary({ secret: "duck", other: "goose" });
  sse = createMcpSse({ corridor: library, profile: "full", now: () => performance.now() });
  server = createServer((request, response) => {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    void sse.handle(request, response, {
      credential: token === undefined ? { kind: "none" } : { kind: "token", token },
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  await sse.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

test.each(["/sse", "/sse/"])("a client of the older pair calls tools at %s", async (path) => {
  const client = new Client({ name: "tester", version: "1" });
  await client.connect(new SSEClientTransport(new URL(url + path), { requestInit: { headers: bearer("secret") } }));
  expect((await client.callTool({ name: "fetch", arguments: { id: document.id } })).structuredContent).toEqual(
    document,
  );
  expect(library.passed.find(({ kind }) => kind === "call")?.arrival).toMatchObject({
    door: "mcp-sse",
    client: { name: "tester" },
  });
  await client.close();
});

/** Opens a stream and reads where its messages are to be posted. */
async function openStream(token: string) {
  const leave = new AbortController();
  const response = await fetch(`${url}/sse`, { headers: bearer(token), signal: leave.signal });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const first = (await reader?.read())?.value ?? "";
  return { endpoint: url + (/data: (.*)/.exec(first)?.[1] ?? ""), leave: () => leave.abort() };
}

const post = (endpoint: string, token: string, body: string | Uint8Array<ArrayBuffer>) =>
  fetch(endpoint, { method: "POST", headers: { ...bearer(token), "content-type": "application/json" }, body });

test("messages are taken only from the token that opened the stream", async () => {
  const { endpoint, leave } = await openStream("secret");
  const ping = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" });
  expect((await post(endpoint, "other", ping)).status).toBe(404);
  expect((await post(endpoint, "nobody", ping)).status).toBe(401);
  expect((await post(endpoint, "secret", ping)).status).toBe(202);
  leave();
});

test("what is no message is refused and recorded", async () => {
  const { endpoint, leave } = await openStream("secret");
  for (const body of ["{", new Uint8Array([0x22, 0xff, 0x22]), "[]", "1"]) {
    const response = await post(endpoint, "secret", body);
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as { error: { data: { auditId: string } } };
    expect(library.passed.some(({ kind, auditId }) => kind === "refused" && auditId === error.data.auditId)).toBe(true);
  }
  leave();
});

test("a stream that its client has left is forgotten", async () => {
  const { endpoint, leave } = await openStream("secret");
  leave();
  const ping = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" });
  await expect.poll(async () => (await post(endpoint, "secret", ping)).status).toBe(404);
});
