import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, expect, test } from "vitest";
import { eventually } from "../../../../../test/support/guests.ts";
import { createGuardedFetch } from "../../network/guarded-fetch.ts";
import type { Adapter, AnyTool, Permit } from "../adapter.ts";
import { createMcpAdapter } from "./mcp-adapter.ts";

const base = mkdtempSync(join(tmpdir(), "portcullis-upstream-http-"));
const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

type Headers = Readonly<Record<string, string>>;
let count = 0;

async function mount(url: string, headers: Headers = {}, callMs = 3_000) {
  const sent: Headers[] = [];
  const said: string[] = [];
  const guarded = createGuardedFetch({
    limits: { totalMs: callMs, bodyBytes: 4 * 1024 * 1024, redirects: 0 },
    privateHosts: [new URL(url).host],
  });
  const adapter: Adapter = createMcpAdapter({
    ...{ name: "far", trustFirst: true, concurrent: 4, callMs, home: base, base: {} },
    target: { url, headers },
    pins: { tools: join(base, `pins-${++count}.json`), prompts: join(base, `prompts-${count}.json`) },
    tell: (message) => void said.push(message),
    fetch: (request) => {
      sent.push(request.headers ?? {});
      return guarded(request);
    },
  });
  ending.push(() => adapter.stop?.());
  await adapter.start?.(new AbortController().signal);
  const tool = async (name: string): Promise<AnyTool> => {
    const find = () => adapter.tools().find((one) => one.name === `far.${name}`);
    await eventually(20_000, () => expect(find()).toBeDefined());
    return find() as AnyTool;
  };
  return { adapter, sent, said, tool };
}

const permit = { allows: () => true } as unknown as Permit;
async function run(tool: AnyTool, input: object = {}): Promise<string> {
  try {
    const use = { permit, signal: AbortSignal.timeout(30_000), progress: () => {} };
    const { content } = (await tool.run(input as never, use)) as { content: readonly { text: string }[] };
    return content[0]?.text ?? "";
  } catch (error) {
    return `${(error as { code?: string }).code}: ${(error as Error).message}`;
  }
}

async function listen(serve: (request: IncomingMessage, response: ServerResponse) => unknown): Promise<string> {
  const server: Server = createServer((request, response) => void serve(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ending.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
}

async function startPeer(port = "0"): Promise<{ url: string; child: ChildProcess }> {
  const peer = join(import.meta.dirname, "../../../../../bench/peers/bare-sdk-server.ts");
  const child = spawn(process.execPath, ["--conditions=portcullis-source", peer], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, PORT: port },
  });
  ending.push(() => child.kill("SIGKILL"));
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  return { url: (JSON.parse(line) as { mcp: string }).mcp, child };
}

test("a server of the newest revision is called without a session, with the owner's headers alone", async () => {
  const { url } = await startPeer();
  const world = await mount(url, { authorization: "Bearer of-the-owner" });
  writeFileSync(join(base, "note.md"), "Water the plants.");
  expect(await run(await world.tool("fs_readFile"), { path: join(base, "note.md") })).toContain("Water the plants.");
  const last = world.sent.at(-1);
  expect(last).toMatchObject({ "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call" });
  expect(world.sent.every(({ authorization }) => authorization === "Bearer of-the-owner")).toBe(true);
  expect(last).not.toHaveProperty("mcp-session-id");
});

/** A server of 2025-11-25 as far as the test needs one. `answer` may answer a call by itself. */
function legacy(answer?: (id: unknown, response: ServerResponse) => boolean) {
  const world = { sessions: new Set<string>(), calls: 0, description: "Does it." };
  let made = 0;
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.method !== "POST") return void response.writeHead(405).end();
    const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString());
    const tell = (result: object, headers: Headers = {}): void => {
      response.writeHead(200, { "content-type": "application/json", ...headers });
      response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
    };
    if (method === "initialize") {
      const session = `s${++made}`;
      world.sessions.add(session);
      const { protocolVersion } = params as { protocolVersion: string };
      const serverInfo = { name: "old", version: "1" };
      return tell({ protocolVersion, capabilities: { tools: {} }, serverInfo }, { "mcp-session-id": session });
    }
    if (!world.sessions.has(String(request.headers["mcp-session-id"])))
      return void response.writeHead(method === "server/discover" ? 400 : 404).end("no session");
    if (id === undefined) return void response.writeHead(202).end();
    if (method === "tools/list")
      return tell({ tools: [{ name: "good", description: world.description, inputSchema: { type: "object" } }] });
    world.calls++;
    if (!answer?.(id, response)) tell({ content: [{ type: "text", text: "done" }] });
  };
  return { world, serve };
}

test("a server of 2025-11-25 is called in a session, and in another once it has forgotten that", async () => {
  const { world: far, serve } = legacy();
  const world = await mount(await listen(serve));
  const good = await world.tool("good");
  expect(await run(good)).toBe("done");
  expect(world.sent.at(-1)).toMatchObject({ "mcp-session-id": "s1" });
  far.sessions.clear();
  expect(await run(good)).toBe("done");
  expect(world.sent.at(-1)).toMatchObject({ "mcp-session-id": "s2" });
  expect(far.calls).toBe(2);
});

test("a server that was away at the start is there when it comes", async () => {
  const { url, child } = await startPeer();
  child.kill("SIGKILL");
  await once(child, "exit");
  const world = await mount(url);
  await eventually(10_000, () => expect(world.said.join()).toContain("is not there"));
  expect(world.adapter.tools()).toEqual([]);
  await startPeer(new URL(url).port);
  await world.tool("fs_readFile");
});

const endless = (response: ServerResponse, piece: string): void => {
  const more = (): void => {
    while (!response.destroyed && response.write(piece));
    if (!response.destroyed) response.once("drain", more);
  };
  more();
};

test.each<[string, (id: unknown, response: ServerResponse, elsewhere: string) => void, RegExp]>([
  [
    "a body without end",
    (_, response) => endless(response.writeHead(200, { "content-type": "application/json" }), "x".repeat(65_536)),
    /^TOO_LARGE: /,
  ],
  [
    "events without end",
    (_, response) =>
      endless(response.writeHead(200, { "content-type": "text/event-stream" }), ": x\n\n".repeat(10_000)),
    /^TOO_LARGE: /,
  ],
  [
    "half a message",
    (id, response) =>
      response.writeHead(200, { "content-type": "application/json" }).end(`{"jsonrpc":"2.0","id":${id},"res`),
    /^UPSTREAM: The connection to far broke/,
  ],
  [
    "a page",
    (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<h1>hello</h1>"),
    /^UPSTREAM: /,
  ],
  ["nothing for ever", () => {}, /^TIMEOUT: far did not answer in time/],
  [
    "a way elsewhere",
    (_, response, elsewhere) => response.writeHead(307, { location: elsewhere }).end(),
    /^UPSTREAM: /,
  ],
  [
    "a deep answer",
    (id, response) =>
      response
        .writeHead(200, { "content-type": "application/json" })
        .end(
          `{"jsonrpc":"2.0","id":${id},"result":{"content":[],"structuredContent":{"a":${"[".repeat(9_000)}${"]".repeat(9_000)}}}}`,
        ),
    /^UPSTREAM: /,
  ],
  [
    "a deep event",
    (id, response) =>
      response
        .writeHead(200, { "content-type": "text/event-stream" })
        .end(
          `: "\ndata: {"jsonrpc":"2.0","id":${id},"result":{"content":[],"structuredContent":{"a":${"[".repeat(9_000)}${"]".repeat(9_000)}}}}\n\n`,
        ),
    /^(UPSTREAM|TIMEOUT): /,
  ],
])("a server that answers with %s costs that call and no other", async (_, answer, expected) => {
  let reached = 0;
  const elsewhere = await listen((_request, response) => {
    reached++;
    response.end();
  });
  let bad = true;
  const { serve } = legacy((id, response) => {
    if (bad) answer(id, response, elsewhere);
    return bad;
  });
  const world = await mount(await listen(serve), { "x-key": "of-the-owner" }, 1_500);
  const good = await world.tool("good");
  expect(await run(good)).toMatch(expected);
  bad = false;
  await eventually(10_000, async () => expect(await run(good)).toBe("done"));
  expect(reached).toBe(0);
});
