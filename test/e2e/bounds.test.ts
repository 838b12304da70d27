import { spawn } from "node:child_process";
import { type AddressInfo, createServer, connect as dial, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { asGuest } from "../support/guests.ts";
import type { DoorName } from "../support/requirement.ts";
import { dialLine, dialRaw, frame } from "../support/socket-line.ts";
import { verifies, verifiesOnce } from "../support/verifies.ts";
import { main, openWorld, stopServer, type World } from "../support/world.ts";

let world: World;
let port: number;
let token: string;
const mebibyte = 2 ** 20;

const openReader = (): Promise<World> =>
  openWorld({
    settings: "limits: { turnCalls: 1000 }\n",
    files: { "todo.md": "Water the plants.\n", "big.md": "x".repeat(700_000) },
    policies: {
      "reader.yaml": `
subject: reader
scopes:
  - { tool: [fs.readFile, search], allow: ["@served/**"] }
  - { tool: http.fetch, allow: ["http://127.0.0.1:*/**"], labels: { untrusted: false, clearance: ["*"] } }
`,
    },
  });

beforeAll(async () => {
  world = await openReader();
  port = Number(new URL(world.listening.http).port);
  token = await world.token("reader");
});
afterAll(() => world?.close());

/** Says bytes at a door as they are, and gives the text of what came back, or how the connection was closed. */
interface Speaker {
  say(bytes: Buffer | string, headers?: Record<string, string>): Promise<string>;
  close(): void;
}

const within = <T>(answer: Promise<T>): Promise<T> =>
  Promise.race([
    answer,
    new Promise<T>((_, reject) => setTimeout(reject, 20_000, new Error("There was no answer.")).unref()),
  ]);

async function speakTo(door: DoorName): Promise<Speaker> {
  const authorization = `Bearer ${token}`;
  const json = { "content-type": "application/json", accept: "application/json, text/event-stream", authorization };
  const poster =
    (url: string, more: Record<string, string> = {}): Speaker["say"] =>
    async (bytes, headers = {}) => {
      const body = typeof bytes === "string" ? bytes : new Uint8Array(bytes);
      const answer = await fetch(url, { method: "POST", headers: { ...json, ...more, ...headers }, body });
      return `${answer.status} ${await answer.text()}`;
    };
  switch (door) {
    case "websocket": {
      const line = await dialLine(port);
      line.send({ jsonrpc: "2.0", id: "in", method: "auth.exchange", params: { token } });
      await line.next();
      expect(line.socket.extensions).toBe("");
      return {
        async say(bytes) {
          line.sendRaw(bytes, typeof bytes !== "string");
          return within(
            Promise.race([
              line.next().then((told) => JSON.stringify(told)),
              line.closed.then((code) => `closed ${code}`),
            ]),
          );
        },
        close: () => line.socket.terminate(),
      };
    }
    case "http":
      return { say: poster(`${world.listening.http}/v1/tools/call`), close: () => {} };
    case "mcp-http":
      return {
        say: poster(world.listening.mcp, {
          "mcp-protocol-version": "2026-07-28",
          "mcp-method": "tools/call",
          "mcp-name": "fs_readFile",
        }),
        close: () => {},
      };
    case "mcp-http-legacy": {
      const params = { protocolVersion: "2025-03-26", capabilities: {}, clientInfo: { name: "t", version: "1" } };
      const body = JSON.stringify({ jsonrpc: "2.0", id: 0, method: "initialize", params });
      const opened = await fetch(world.listening.mcp, { method: "POST", headers: json, body });
      await opened.text();
      const session = opened.headers.get("mcp-session-id") ?? "";
      return { say: poster(world.listening.mcp, { "mcp-session-id": session }), close: () => {} };
    }
    case "mcp-sse": {
      const stop = new AbortController();
      const stream = await fetch(world.listening.sse, { headers: json, signal: stop.signal });
      const reader = (stream.body as ReadableStream<Uint8Array>).getReader();
      let heard = "";
      const pump = async (): Promise<void> => {
        for (;;) {
          const { value, done } = await reader.read();
          if (done) return;
          heard += Buffer.from(value).toString();
        }
      };
      void pump().catch(() => {});
      const until = async (pattern: RegExp): Promise<string> => {
        for (let tries = 0; tries < 2_000; tries++) {
          const found = pattern.exec(heard);
          if (found) return found[0];
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        throw new Error(`The stream said ${heard.slice(0, 300)}`);
      };
      const path = (await until(/\/sse\S*sessionId=\S+/)) ?? "";
      const post = poster(new URL(path, world.listening.http).href);
      return {
        async say(bytes, headers) {
          heard = "";
          const answer = await post(bytes, headers);
          return answer.startsWith("202") ? until(/data: .*\n\n/) : answer;
        },
        close: () => stop.abort(),
      };
    }
    case "mcp-stdio": {
      const args = [main, "stdio", world.folder, "--data", world.data, "--subject", "reader"];
      const child = spawn(process.execPath, args, {
        env: { PATH: process.env.PATH, HOME: world.base },
        stdio: ["pipe", "pipe", "ignore"],
      });
      const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
      const say = async (bytes: Buffer | string): Promise<string> => {
        child.stdin.write(bytes);
        child.stdin.write("\n");
        return String((await within(lines.next())).value);
      };
      const params = { protocolVersion: "2025-03-26", capabilities: {}, clientInfo: { name: "t", version: "1" } };
      await say(JSON.stringify({ jsonrpc: "2.0", id: 0, method: "initialize", params }));
      return { say, close: () => child.kill("SIGKILL") };
    }
  }
}

/** A call in the words of a door, its arguments as they are. */
function callText(door: DoorName, args: string): string {
  const trace = '"trace":{"purpose":"to try the bounds"}';
  if (door === "http") return `{"name":"fs.readFile","args":${args},${trace}}`;
  if (door === "websocket")
    return `{"jsonrpc":"2.0","id":1,"method":"tools.call","params":{"name":"fs.readFile","args":${args},${trace}}}`;
  const meta =
    '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"}}';
  return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"fs_readFile","arguments":${args}${door === "mcp-http" ? `,${meta}` : ""}}}`;
}

const refusal = /"error":|"isError":true|"ok":false|closed 10\d\d/;

describe("what is sent", () => {
  verifies("L3.bodies", async (door) => {
    const fine = callText(door, '{"path":"notes/todo.md"}');
    const deep = (levels: number): string => callText(door, `{"path":${"[".repeat(levels)}${"]".repeat(levels)}}`);
    const keys = (levels: number): string => callText(door, `{"path":${'{"a":'.repeat(levels)}1${"}".repeat(levels)}}`);
    const many = (count: number): string => `[${Array.from({ length: count }, () => fine).join(",")}]`;
    const bomb = gzipSync(Buffer.alloc(64 * mebibyte, " "));
    for (const [what, bytes, headers] of [
      ["a packed body", bomb, { "content-encoding": "gzip" }],
      ["a packed call", gzipSync(fine), { "content-encoding": "gzip" }],
      ["packed twice", gzipSync(bomb), { "content-encoding": "gzip, gzip" }],
      ["too large", callText(door, `{"path":"${"x".repeat(5 * mebibyte)}"}`), {}],
      ["a deep list", deep(400_000), {}],
      ["deep objects", keys(400_000), {}],
      ["a batch of 101", many(101), {}],
      ["a batch of 10,000", many(10_000), {}],
      ["batches in a batch", `[[${fine}]]`, {}],
    ] as const) {
      const speaker = await speakTo(door);
      const said = await speaker.say(bytes as string, headers).catch((error: Error) => `closed 1006 ${error.message}`);
      expect([what, refusal.test(said), said.includes("Water")], said.slice(0, 300)).toEqual([what, true, false]);
      speaker.close();
    }
    const speaker = await speakTo(door);
    expect(await speaker.say(fine)).toContain("Water the plants.");
    speaker.close();
    expect(world.server.exitCode).toBeNull();
    expect(world.log()).not.toMatch(/uncaught|RangeError/i);
  });

  verifies("L3.unread", (door) =>
    asGuest(world, { door, subject: "reader" }, async (reader) => {
      // Peers that ask for much and read none of it, while somebody else is served.
      const peers = await Promise.all(Array.from({ length: 8 }, () => askUnread(door)));
      for (let n = 0; n < 5; n++)
        expect(await reader.call("fs.readFile", { path: "notes/todo.md" })).toMatchObject({ ok: true });
      for (const peer of peers) peer.destroy();
    }),
  );
});

async function askUnread(door: DoorName): Promise<Socket> {
  const body = callText("http", '{"path":"notes/big.md"}');
  if (door === "websocket") {
    const socket = await dialRaw(port);
    socket.write(frame(JSON.stringify({ jsonrpc: "2.0", id: 0, method: "auth.exchange", params: { token } })));
    for (let id = 1; id <= 40; id++) socket.write(frame(callText(door, '{"path":"notes/big.md"}')));
    return socket;
  }
  const socket = dial(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.pause();
  const head = `POST /v1/tools/call HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  for (let n = 0; n < 40; n++) socket.write(head + body);
  return socket;
}

describe("the end", () => {
  verifiesOnce("O4.deadline", async () => {
    const own = await openReader();
    const at = Number(new URL(own.listening.http).port);
    const mine = await own.token("reader");
    const held: Socket[] = [];
    // Half a request, half a frame, idle sockets that are logged in, streams, and peers that read nothing of what they asked for.
    const half = dial(at, "127.0.0.1").on("error", () => {});
    half.write("POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Le");
    held.push(half);
    for (let n = 0; n < 20; n++) {
      const socket = await dialRaw(at);
      socket.write(frame(JSON.stringify({ jsonrpc: "2.0", id: 0, method: "auth.exchange", params: { token: mine } })));
      if (n % 3 === 1) socket.write(frame(callText("websocket", '{"path":"notes/todo.md"}')).subarray(0, 20));
      if (n % 3 === 2)
        for (let id = 0; id < 20; id++) socket.write(frame(callText("websocket", '{"path":"notes/big.md"}')));
      held.push(socket);
    }
    const stop = new AbortController();
    const headers = { authorization: `Bearer ${mine}`, accept: "text/event-stream" };
    const stream = await fetch(own.listening.sse, { headers, signal: stop.signal });
    expect(stream.status).toBe(200);
    // A call that would run for long: it asks a server that never answers.
    const silent = dialSilent();
    const running = fetch(`${own.listening.http}/v1/tools/call`, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify({
        name: "http.fetch",
        args: { url: `http://127.0.0.1:${await silent.port}/` },
        trace: { purpose: "wait" },
      }),
    }).catch(() => undefined);
    await silent.asked;
    const started = performance.now();
    await stopServer(own.server, "SIGTERM");
    expect(performance.now() - started).toBeLessThan(15_000);
    expect([own.server.exitCode, own.server.signalCode]).toEqual([0, null]);
    await running;
    // Nothing of it was lost: the log is whole, and the next server starts.
    expect((await own.run("audit", "verify")).status).toBe(0);
    stop.abort();
    silent.close();
    for (const socket of held) socket.destroy();
    await own.restart();
    await own.close();
  });
});

/** A server that takes a request and says nothing. */
function dialSilent(): { port: Promise<number>; asked: Promise<void>; close(): void } {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const { promise: at, resolve: tell } = Promise.withResolvers<number>();
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => resolve());
  });
  server.listen(0, "127.0.0.1", () => tell((server.address() as AddressInfo).port));
  return { port: at, asked, close: () => server.close() };
}
