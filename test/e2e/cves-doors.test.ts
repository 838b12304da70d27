// One test for each published weakness of an MCP server's, client's or SDK's doors: what went wrong there, and what holds here.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { enter } from "../support/doors.ts";
import { sendRequest, speakRaw } from "../support/http-line.ts";
import { createBrowser } from "../support/oauth/browser.ts";
import { authorizationUrl, createProofKey, post, register } from "../support/oauth/login.ts";
import { openWorld, type World } from "../support/world.ts";

let world: World;
let port: number;
let token: string;
let other: string;
/** A server on loopback that nobody may be led to. */
let inside: Server;
let reached = 0;

beforeAll(async () => {
  world = await openWorld({
    settings: "limits: { turnCalls: 100000, turnCeiling: 100000 }\n",
    files: { "todo.md": "Water the plants.\n", "duck.md": "DUCK\n", "goose.md": "GOOSE\n" },
    policies: {
      "two.yaml": `
subject: duck
scopes:
  - { tool: fs.readFile, allow: ["@served/**"], deny: ["@served/goose.md"] }
  - { tool: http.fetch, allow: ["http://*:*/**", "https://*:*/**"] }
---
subject: goose
scopes:
  - { tool: fs.readFile, allow: ["@served/**"], deny: ["@served/duck.md"] }
`,
    },
  });
  port = Number(new URL(world.listening.http).port);
  token = await world.token("duck");
  other = await world.token("goose");
  inside = createServer((_, response) => {
    reached++;
    response.end("INSIDE");
  });
  await new Promise<void>((resolve) => inside.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  await world?.close();
  inside?.close();
});

const json = { "content-type": "application/json", accept: "application/json, text/event-stream" };
const bearer = (whose: string) => ({ authorization: `Bearer ${whose}` });
const upgrade = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};
const places = [
  ["/mcp", "POST", json],
  ["/mcp", "GET", json],
  ["/sse", "GET", json],
  ["/v1/tools/call", "POST", json],
  ["/v1/capabilities", "GET", {}],
  ["/v1/connector", "GET", upgrade],
  ["/oauth/register", "POST", json],
] as const;

const postMcp = (body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(world.listening.mcp, {
    method: "POST",
    headers: { ...json, ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

async function initialize(whose: string): Promise<string> {
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } };
  const opened = await postMcp({ jsonrpc: "2.0", id: 0, method: "initialize", params }, bearer(whose));
  expect(opened.status).toBe(200);
  await opened.text();
  return opened.headers.get("mcp-session-id") ?? "";
}

describe("a web page in the owner's browser", () => {
  test("CVE-2025-49596: any page could have the Inspector's proxy start programs, which asked for no token; here nothing answers without one", async () => {
    const body = JSON.stringify({ name: "fs.readFile", args: { path: "notes/duck.md" }, trace: { purpose: "x" } });
    for (const path of ["/mcp", "/v1/tools/call"]) {
      const answer = await fetch(`${world.listening.http}${path}`, { method: "POST", headers: json, body });
      expect([path, answer.status]).toEqual([path, 401]);
    }
    for (const path of ["/mcp", "/sse", "/v1/tools", "/v1/manifest"])
      expect([path, (await fetch(`${world.listening.http}${path}`, { headers: json })).status]).toEqual([path, 401]);
    for (const host of [`0.0.0.0:${port}`, `127.0.0.1:${port}`])
      for (const [path, method, headers] of places) {
        const asked = { ...headers, ...bearer(token), host, origin: "https://evil.example" };
        const { status } = await sendRequest({ port, path, method, headers: asked });
        expect([path, host, status]).toEqual([path, host, 403]);
      }
  });

  test.each([
    ["CVE-2025-66414", "the TypeScript SDK"],
    ["CVE-2025-66416", "the Python SDK"],
    ["CVE-2025-9611", "Playwright's server"],
  ])(
    "%s: %s took requests under any Host, so that a name could be pointed at loopback; here Host and Origin are checked on every door",
    async () => {
      for (const host of [
        `evil.example:${port}`,
        `localhost.evil.example:${port}`,
        `127.0.0.1.evil.example:${port}`,
        "evil.example",
      ])
        for (const [path, method, headers] of places) {
          const named = await sendRequest({ port, path, method, headers: { ...headers, ...bearer(token), host } });
          expect([path, host, named.status]).toEqual([path, host, 403]);
        }
      for (const origin of ["null", `http://evil.example:${port}`, `http://127.0.0.1:${port + 1}`])
        for (const [path, method, headers] of places) {
          const asked = { ...headers, ...bearer(token), host: `127.0.0.1:${port}`, origin };
          expect([path, origin, (await sendRequest({ port, path, method, headers: asked })).status]).toEqual([
            path,
            origin,
            403,
          ]);
        }
    },
  );

  test.each([
    ["CVE-2025-6514", "mcp-remote handed a server's URL to the shell"],
    ["CVE-2025-58444", "the Inspector followed a javascript: URL of a server's"],
  ])("%s: %s; here a URL that is no web address is neither registered nor shown", async () => {
    const clientId = await register(world);
    for (const uri of [
      "javascript:alert(1)",
      "file:///c:/windows/system32/calc.exe",
      "data:text/html,x",
      "http://$(calc)/",
      "ms-msdt:/id",
      'https://a.example/$(touch x)" & calc',
    ]) {
      expect((await post(`${world.listening.http}/oauth/register`, { redirect_uris: [uri] })).status).toBe(400);
      const { challenge } = createProofKey();
      const page = await createBrowser().visit(
        authorizationUrl(world, { clientId, challenge, params: { redirect_uri: uri } }),
        { crossSite: true },
      );
      expect(page.status).toBe(400);
      expect(page.html).not.toContain(uri);
      const named = await post(`${world.listening.http}/oauth/register`, {
        redirect_uris: ["http://127.0.0.1:4567/callback"],
        client_name: "x",
        client_uri: uri,
        logo_uri: uri,
      });
      expect(JSON.stringify(named.body)).not.toContain("calc");
    }
    // What the server tells clients to open is its own, in every discovery document.
    for (const path of ["/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource/mcp"]) {
      const told = (await (await fetch(`${world.listening.http}${path}`)).json()) as Record<string, unknown>;
      const urls = Object.entries(told).filter(([name]) => /endpoint$|issuer|uri$/.test(name));
      for (const [, url] of urls)
        expect(String(url).startsWith(`${world.listening.http}/`) || url === world.listening.http).toBe(true);
    }
  });
});

describe("sessions", () => {
  test("CVE-2025-6515: a session's id was an address in memory that came again; here it is random, and worth nothing without its token", async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => initialize(token)));
    expect(new Set(ids).size).toBe(20);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const [id = ""] = ids.slice(-1);
    const list = { jsonrpc: "2.0", id: 1, method: "tools/list" };
    expect((await postMcp(list, { "mcp-session-id": id })).status).toBe(401);
    expect((await postMcp(list, { "mcp-session-id": id, ...bearer(token) })).status).toBe(200);
  });

  test("CVE-2026-33946: whoever knew a session's id could take it over; here it belongs to the login that opened it", async () => {
    const id = await initialize(token);
    const list = { jsonrpc: "2.0", id: 1, method: "tools/list" };
    const taken = { "mcp-session-id": id, ...bearer(other) };
    expect((await postMcp(list, taken)).status).toBe(404);
    const stream = await fetch(world.listening.mcp, { headers: { ...taken, accept: "text/event-stream" } });
    expect(stream.status).toBe(404);
    expect((await fetch(world.listening.mcp, { method: "DELETE", headers: taken })).status).toBe(404);
    expect((await postMcp(list, { "mcp-session-id": id, ...bearer(token) })).status).toBe(200);
  });

  test.each(["mcp-http", "mcp-http-legacy", "mcp-sse", "websocket"] as const)(
    "CVE-2026-25536: clients that shared a server got each other's answers when their ids were alike; here each has its own (%s)",
    async (door) => {
      const [duck, goose] = await Promise.all([
        enter(door, world, { token, subject: "duck" }),
        enter(door, world, { token: other, subject: "goose" }),
      ]);
      try {
        // Both count their requests from the same number on.
        const answers = await Promise.all(
          Array.from({ length: 40 }, async () => {
            const [his, hers] = await Promise.all([
              duck.call("fs.readFile", { path: "notes/duck.md" }),
              goose.call("fs.readFile", { path: "notes/goose.md" }),
            ]);
            return [his.result?.content, hers.result?.content];
          }),
        );
        for (const pair of answers) expect(pair).toEqual(["DUCK\n", "GOOSE\n"]);
      } finally {
        await Promise.all([duck.close(), goose.close()]);
      }
    },
  );
});

describe("messages", () => {
  const alive = async (): Promise<void> => {
    const { status } = await postMcp(
      { jsonrpc: "2.0", id: 1, method: "tools/list" },
      {
        ...bearer(token),
        "mcp-session-id": await initialize(token),
      },
    );
    expect([status, world.server.exitCode]).toEqual([200, null]);
  };

  test("CVE-2025-53366: a malformed request ended the Python SDK's server; here it is refused, and the next one answered", async () => {
    const session = await initialize(token);
    for (const body of [
      "{",
      "null",
      "[]",
      '{"jsonrpc":"2.0"}',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":null}',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":[],"arguments":1}}',
      `{"jsonrpc":"2.0","id":1,"method":"${"x".repeat(100_000)}"}`,
    ]) {
      const answer = await postMcp(body, { ...bearer(token), "mcp-session-id": session });
      expect(answer.status).toBeLessThan(500);
      expect(await answer.text()).toContain('"error"');
    }
    await alive();
  });

  test("CVE-2025-53365: an error before the session was there ended the Python SDK's server; here the door survives a client that leaves at any byte", async () => {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 0, method: "initialize", params: {} });
    const head = `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
    const whole = head + body;
    await Promise.all(
      Array.from({ length: 30 }, (_, at) => {
        const cut = whole.slice(0, Math.floor((whole.length * at) / 30));
        return Promise.race([speakRaw(port, cut), new Promise((resolve) => setTimeout(resolve, 300))]);
      }),
    );
    expect(await speakRaw(port, whole)).toMatch(/^HTTP\/1\.1 [24]\d\d/);
    await alive();
  });

  test("CVE-2026-27896: the Go SDK took METHOD and paramſ for method and params; here names are what they are", async () => {
    const session = { ...bearer(token), "mcp-session-id": await initialize(token) };
    const params = { name: "fs_readFile", arguments: { path: "notes/duck.md" } };
    for (const body of [
      { jsonrpc: "2.0", id: 1, METHOD: "tools/call", params },
      { jsonrpc: "2.0", id: 1, Method: "tools/call", params },
      { JSONRPC: "2.0", id: 1, method: "tools/call", params },
      { jsonrpc: "2.0", id: 1, method: "tools/call", paramſ: params },
      { jsonrpc: "2.0", id: 1, method: "tools/list", METHOD: "tools/call", params },
    ]) {
      const text = await (await postMcp(body, session)).text();
      expect(text).not.toContain("DUCK");
    }
    const mirror = await fetch(`${world.listening.http}/v1/tools/call`, {
      method: "POST",
      headers: { ...json, ...bearer(token) },
      body: JSON.stringify({ NAME: "fs.readFile", args: { path: "notes/duck.md" } }),
    });
    expect(mirror.status).toBe(400);
  });

  test("CVE-2026-0621: a URI made the SDK's template matcher backtrack for ever; here it is answered like any other", async () => {
    const session = { ...bearer(token), "mcp-session-id": await initialize(token) };
    for (const uri of [`file:///${"a,".repeat(50_000)}!`, `index://x?tags=${"a,".repeat(5_000)}\n`]) {
      const answer = await postMcp({ jsonrpc: "2.0", id: 1, method: "resources/read", params: { uri } }, session);
      expect(await answer.text()).toContain('"error"');
    }
    await alive();
  });
});

describe("the way out", () => {
  test("CVE-2025-65513: fetch-mcp looked for private addresses in the text of a URL; here what is connected to is judged", async () => {
    const guest = await enter("http", world, { token, subject: "duck" });
    const at = (inside.address() as AddressInfo).port;
    for (const host of [
      "127.0.0.1",
      "127.1",
      "0x7f.1",
      "2130706433",
      "0177.0.0.1",
      "[::1]",
      "[::ffff:127.0.0.1]",
      "[::ffff:7f00:1]",
      "localhost",
      "localhost.",
      "0.0.0.0",
      "0",
      "127.0.0.1.",
      "①②⑦.⓪.⓪.①",
    ]) {
      const answer = await guest.call("http.fetch", { url: `http://${host}:${at}/` });
      expect([host, answer.ok]).toEqual([host, false]);
    }
    expect(reached).toBe(0);
  });

  test("CVE-2026-45609: a client's metadata was fetched from wherever its id pointed; here from public addresses alone", async () => {
    const at = (inside.address() as AddressInfo).port;
    for (const clientId of [
      `http://127.0.0.1:${at}/client.json`,
      `https://127.0.0.1:${at}/client.json`,
      `https://localhost:${at}/client.json`,
      `https://[::1]:${at}/client.json`,
      "https://169.254.169.254/latest/meta-data",
    ]) {
      const { challenge } = createProofKey();
      const page = await createBrowser().visit(authorizationUrl(world, { clientId, challenge }), { crossSite: true });
      expect([clientId, page.status]).toEqual([clientId, 400]);
    }
    expect(reached).toBe(0);
  });
});
