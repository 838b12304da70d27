import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createFakeCorridor, fakeTool } from "../../../../../test/support/fake-corridor.ts";
import { type SessionCorridor, withSessions } from "../../../../../test/support/session-corridor.ts";
import { ask, call, dialLine, dialRaw, frame, type SocketLine } from "../../../../../test/support/socket-line.ts";
import { createWebSocketDoor, type WebSocketDoor, type WebSocketDoorOptions } from "./websocket-door.ts";

// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever was answered
type Json = any;

let corridor: SessionCorridor;
let door: WebSocketDoor;
let server: Server;
let runs = 0;
let withdrawn = 0;
let finish: (() => void)[] = [];
const kilobyte = "x".repeat(1_000);

async function open(options: Partial<WebSocketDoorOptions> = {}): Promise<void> {
  runs = 0;
  withdrawn = 0;
  finish = [];
  corridor = withSessions(
    createFakeCorridor(
      [
        fakeTool("echo", ["text"], ({ text }) => ({ text })),
        fakeTool("big", ["kilobytes"], ({ kilobytes }) => {
          runs += 1;
          return { text: kilobyte.repeat(Number(kilobytes)) };
        }),
        fakeTool(
          "wait",
          [],
          (_, { signal }) =>
            new Promise((resolve, reject) => {
              finish.push(() => resolve({ done: true }));
              signal?.addEventListener("abort", () => {
                withdrawn += 1;
                reject(Object.assign(new Error("withdrawn"), { code: "CANCELLED" }));
              });
            }),
        ),
      ],
      { secret: "duck", second: "duck", other: "goose" },
    ),
  );
  door = createWebSocketDoor({ corridor, ...options });
  server = createServer();
  server.on("upgrade", (request, socket, head) => {
    if (door.fault(request)) socket.destroy();
    else door.upgrade(request, socket as Socket, head);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
}

async function close(): Promise<void> {
  await door.close(0);
  await new Promise((resolve) => server.close(resolve));
}
beforeEach(() => open());
afterEach(close);

async function reopen(options: Partial<WebSocketDoorOptions>): Promise<void> {
  await close();
  await open(options);
}

const port = (): number => (server.address() as AddressInfo).port;

/** Comes in and, with a token, logs in. */
async function dial(token?: string): Promise<SocketLine> {
  const line = await dialLine(port());
  if (token !== undefined) {
    line.send(ask("login", "auth.exchange", { token }));
    expect(await line.next()).toMatchObject({ id: "login", result: { refreshable: true } });
  }
  return line;
}

/** A peer that reads only when it is told to; `ended` resolves when the server has closed its side. */
async function dialUnread(): Promise<{ socket: Socket; ended: Promise<void> }> {
  const ended = new Promise<void>((resolve) =>
    server.once("connection", (peer) => peer.once("close", () => resolve())),
  );
  return { socket: await dialRaw(port()), ended };
}

describe("JSON-RPC to the letter", () => {
  test.each([
    ["a text that is no JSON", "{", -32_700],
    ["an empty text", "", -32_700],
    ["an empty batch", "[]", -32_600],
    ["a scalar", "1", -32_600],
    ["no version", '{"id":1,"method":"health.check"}', -32_600],
    ["a method that is a number", '{"jsonrpc":"2.0","id":1,"method":1}', -32_600],
    ["params that are a text", '{"jsonrpc":"2.0","id":1,"method":"health.check","params":"x"}', -32_600],
    ["an id that is an object", '{"jsonrpc":"2.0","id":{},"method":"health.check"}', -32_600],
    ["an id beyond every number", '{"jsonrpc":"2.0","id":1e400,"method":"health.check"}', -32_600],
    ["an id that would be rounded", '{"jsonrpc":"2.0","id":9007199254740993,"method":"health.check"}', -32_600],
    ["an id as long as a message", `{"jsonrpc":"2.0","id":"${kilobyte}","method":"health.check"}`, -32_600],
    ["a response", '{"jsonrpc":"2.0","id":1,"result":{}}', -32_600],
  ])("%s is refused with the id null", async (_, text, code) => {
    const line = await dial();
    line.sendRaw(text);
    const answer = await line.next();
    expect(answer).toMatchObject({ jsonrpc: "2.0", id: null, error: { code, data: { code: expect.any(String) } } });
    expect(corridor.passed.at(-1)).toMatchObject({ kind: "refused", auditId: answer.error.data.auditId });
  });

  test.each([["text"], [7], [-1.5], [0], [null]])("the id %j comes back as it was", async (id) => {
    const line = await dial();
    line.send(ask(id, "health.check"));
    expect(await line.next()).toEqual({ jsonrpc: "2.0", id, result: corridor.health() });
  });

  test("a batch is answered item by item, and its notifications are not", async () => {
    const line = await dial("secret");
    const request = fc
      .oneof(fc.string({ maxLength: 20 }), fc.maxSafeInteger())
      .map((id) => ({ kind: "request" as const, value: ask(id, "health.check") }));
    const notification = fc
      .constantFrom("health.check", "no.such", "call.cancel")
      .map((method) => ({ kind: "silent" as const, value: { jsonrpc: "2.0", method } }));
    const rubbish = fc
      .jsonValue({ maxDepth: 2 })
      .filter((value) => typeof value !== "object" || value === null || !("jsonrpc" in value))
      .map((value) => ({ kind: "rubbish" as const, value }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(request, notification, rubbish), { minLength: 1, maxLength: 20 }),
        async (items) => {
          line.send(
            items.map(({ value }) => value),
            ask("after", "health.check"),
          );
          const wanted = items.filter(({ kind }) => kind !== "silent");
          // A batch of notifications alone is not answered at all, and no order is promised.
          const said = [await line.next(), ...(wanted.length > 0 ? [await line.next()] : [])];
          expect(said).toContainEqual(expect.objectContaining({ id: "after" }));
          const answers: Json[] = said.find(Array.isArray) ?? [];
          expect(answers).toHaveLength(wanted.length);
          expect(answers.filter(({ id, error }) => id === null && error?.code === -32_600)).toHaveLength(
            wanted.filter(({ kind }) => kind === "rubbish").length,
          );
          for (const { kind, value } of wanted) {
            if (kind === "request") expect(answers.map(({ id }) => id)).toContain((value as { id: unknown }).id);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test("a batch over the cap is refused whole", async () => {
    await reopen({ limits: { batch: 3 } });
    const line = await dial();
    line.send([1, 2, 3, 4].map((id) => ask(id, "health.check")));
    expect(await line.next()).toMatchObject({ id: null, error: { code: -32_600 } });
  });

  test("a call's refusal is a result, an envelope's is an error", async () => {
    const line = await dial("secret");
    line.send(call(1, "no.such"));
    expect(await line.next()).toMatchObject({ id: 1, result: { ok: false, code: "NOT_FOUND" } });
    line.send(ask(2, "no.such"));
    expect(await line.next()).toMatchObject({ id: 2, error: { code: -32_601, data: { code: "METHOD_NOT_FOUND" } } });
    line.send(ask(3, "tools.call", { name: "echo", extra: true }));
    expect(await line.next()).toMatchObject({ id: 3, error: { code: -32_602, data: { code: "INVALID_PARAMS" } } });
  });

  test("no key of a message reaches a prototype", async () => {
    const line = await dial("secret");
    line.sendRaw('{"jsonrpc":"2.0","id":1,"__proto__":{"method":"health.check"}}');
    expect(await line.next()).toMatchObject({ error: { code: -32_600 } });
    line.sendRaw('{"jsonrpc":"2.0","id":2,"method":"tools.call","params":{"name":"echo","__proto__":{"args":{}}}}');
    expect(await line.next()).toMatchObject({ id: 2, error: { code: -32_602 } });
    line.sendRaw(
      '{"jsonrpc":"2.0","id":3,"method":"tools.call","params":{"name":"echo","args":{"__proto__":{"polluted":1}}}}',
    );
    await line.next();
    expect(({} as Json).polluted).toBeUndefined();
  });
});

describe("the session", () => {
  test("nothing but the open methods answers before it", async () => {
    const line = await dial();
    line.send(call(1, "echo", { text: "in" }), ask(2, "tools.list"), ask(3, "auth.refresh"), call(4, ""));
    for (const _ of [1, 2, 3, 4]) expect(await line.next()).toMatchObject({ error: { code: -32_001 } });
    expect(corridor.passed.filter(({ kind }) => kind !== "refused")).toEqual([]);
    line.send(ask(5, "capabilities.get"));
    expect(await line.next()).toMatchObject({ id: 5, result: { limits: { turnCalls: 25, inFlight: 256 } } });
  });

  test("is its first subject's, whoever else shows a token", async () => {
    const line = await dial("secret");
    const before = corridor.sessions.size;
    line.send(ask(1, "auth.exchange", { token: "other" }));
    expect(await line.next()).toMatchObject({ id: 1, error: { code: -32_001 } });
    expect(corridor.sessions.size).toBe(before);
    line.send(ask(2, "auth.exchange", { token: "second" }));
    expect(await line.next()).toMatchObject({ id: 2, result: { subject: "duck" } });
    const elsewhere = await dial("other");
    const [theirs = ""] = [...corridor.sessions].flatMap(([secret, { token }]) => (token === "other" ? [secret] : []));
    line.send(ask(3, "auth.refresh", { session: theirs }));
    expect(await line.next()).toMatchObject({ id: 3, error: { code: -32_001 } });
    elsewhere.socket.close();
  });

  test("two logins at once cannot make it two subjects'", async () => {
    for (let round = 0; round < 20; round++) {
      const line = await dial();
      line.send([ask(1, "auth.exchange", { token: "secret" }), ask(2, "auth.exchange", { token: "other" })]);
      const answers: Json[] = await line.next();
      expect(answers.filter(({ result }) => result)).toHaveLength(1);
      line.socket.close();
    }
  });

  test("has ended as soon as its token is revoked, or its time is over", async () => {
    const line = await dial("secret");
    corridor.tokens.delete("secret");
    line.send(call(1, "echo", { text: "in" }));
    expect(await line.next()).toMatchObject({ id: 1, error: { code: -32_001 } });
    corridor.lifetime = 30;
    const brief = await dial("other");
    await new Promise((resolve) => setTimeout(resolve, 60));
    brief.send(call(1, "echo", { text: "in" }));
    expect(await brief.next()).toMatchObject({ id: 1, error: { code: -32_001 } });
  });
});

describe("calls that run", () => {
  test("are withdrawn by call.cancel, under their own id alone", async () => {
    const line = await dial("secret");
    line.send(call("1", "wait"), call(1, "wait"));
    await expect.poll(() => finish.length).toBe(2);
    line.send({ jsonrpc: "2.0", method: "call.cancel", params: { id: 1 } });
    expect(await line.next()).toMatchObject({ id: 1, result: { ok: false, code: "CANCELLED" } });
    expect(withdrawn).toBe(1);
    finish[0]?.();
    expect(await line.next()).toMatchObject({ id: "1", result: { ok: true } });
  });

  test("keep their id to themselves", async () => {
    const line = await dial("secret");
    line.send(call(1, "wait"));
    await expect.poll(() => finish.length).toBe(1);
    line.send(call(1, "echo", { text: "in" }));
    expect(await line.next()).toMatchObject({ id: 1, error: { code: -32_600 } });
    finish[0]?.();
    expect(await line.next()).toMatchObject({ id: 1, result: { ok: true } });
    line.send(call(1, "echo", { text: "again" }));
    expect(await line.next()).toMatchObject({ id: 1, result: { result: { text: "again" } } });
  });

  test("are as many as the limit says; the next is refused, and call.cancel still heard", async () => {
    await reopen({ limits: { inFlight: 2 } });
    const line = await dial("secret");
    line.send(call(1, "wait"), call(2, "wait"), call(3, "wait"));
    expect(await line.next()).toMatchObject({ id: 3, result: { ok: false, code: "RATE_LIMITED" } });
    line.send({ jsonrpc: "2.0", method: "call.cancel", params: { id: 1 } });
    expect(await line.next()).toMatchObject({ id: 1, result: { code: "CANCELLED" } });
    line.send(call(4, "wait"));
    await expect.poll(() => finish.length).toBe(3);
  });

  test("are withdrawn when their connection ends", async () => {
    const line = await dial("secret");
    line.send(call(1, "wait"), { jsonrpc: "2.0", method: "tools.call", params: { name: "wait", args: {} } });
    await expect.poll(() => finish.length).toBe(2);
    line.socket.terminate();
    await expect.poll(() => withdrawn).toBe(2);
  });

  test("are answered before the door closes, if they end in time", async () => {
    const line = await dial("secret");
    line.send(call(1, "wait"));
    await expect.poll(() => finish.length).toBe(1);
    const closing = door.close(2_000);
    line.send(call(2, "echo", { text: "too late" }));
    setTimeout(() => finish[0]?.(), 100);
    expect(await line.next()).toMatchObject({ id: 1, result: { ok: true } });
    expect(await line.closed).toBe(1001);
    await closing;
    expect(line.heard).toEqual([]);
  });

  test("are withdrawn when the door's patience is over", async () => {
    const line = await dial("secret");
    line.send(call(1, "wait"));
    await expect.poll(() => finish.length).toBe(1);
    const started = performance.now();
    await door.close(100);
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(withdrawn).toBe(1);
  });
});

describe("frames and peers", () => {
  test.each([
    ["bytes", Buffer.from("{}"), true, 1003],
    ["a text that is no UTF-8", Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), false, 1007],
  ])("%s end the connection", async (_, data, binary, code) => {
    const line = await dial();
    line.sendRaw(data, binary);
    expect(await line.closed).toBe(code);
  });

  test("a frame that is announced as too large is refused before it comes", async () => {
    const { socket } = await dialUnread();
    const said = new Promise<Buffer>((resolve) => socket.once("data", resolve));
    const head = Buffer.alloc(14);
    head.writeUInt16BE(0x81ff);
    head.writeBigUInt64BE(200n * 1024n * 1024n, 2);
    socket.write(head);
    socket.resume();
    const close = await said;
    expect([close[0], close.readUInt16BE(2)]).toEqual([0x88, 1009]);
  });

  test("a peer that does not log in is shown out", async () => {
    await reopen({ heartbeatMs: 100, loginBeats: 2 });
    const [stranger, guest] = [await dial(), await dial("secret")];
    expect(await stranger.closed).toBe(4401);
    guest.send(call(1, "echo", { text: "still here" }));
    expect(await guest.next()).toMatchObject({ result: { ok: true } });
  });

  test.each([
    ["a dead peer", ""],
    ["half a frame", frame(JSON.stringify(ask(1, "health.check"))).subarray(0, 20)],
  ])("%s is cut off by the heartbeat", async (_, bytes) => {
    await reopen({ heartbeatMs: 100, loginBeats: 1_000 });
    const { socket, ended } = await dialUnread();
    socket.write(bytes);
    await ended;
  });

  /** Asks for 500 kB again and again without reading any of it, until the server ends the connection. */
  async function neverRead(): Promise<number> {
    const { socket, ended } = await dialUnread();
    socket.write(frame(JSON.stringify(ask(0, "auth.exchange", { token: "secret" }))));
    await expect.poll(() => corridor.sessions.size).toBe(1);
    const started = performance.now();
    for (let id = 1; id <= 2_000 && !socket.destroyed; id++) {
      socket.write(frame(JSON.stringify(call(id, "big", { kilobytes: "500" }))));
      if (id % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await ended;
    return performance.now() - started;
  }

  test("a peer that never reads is not read either, and is cut off when nothing moves", async () => {
    await reopen({ heartbeatMs: 800, limits: { inFlight: 16, waiting: 1e9 } });
    expect(await neverRead()).toBeLessThan(8_000);
    // What the system's own buffers hold, and what had come in the one piece after which reading stopped.
    expect(runs).toBeLessThan(200);
  });

  test("a peer that never reads is cut off at once when too much waits for it", async () => {
    await reopen({ limits: { waiting: 5_000_000 } });
    const { socket, ended } = await dialUnread();
    socket.write(frame(JSON.stringify(ask(0, "auth.exchange", { token: "secret" }))));
    await expect.poll(() => corridor.sessions.size).toBe(1);
    const started = performance.now();
    // In one piece: what comes after something waits is not read any more.
    const calls = Array.from({ length: 100 }, (_, id) => frame(JSON.stringify(call(id, "big", { kilobytes: "500" }))));
    socket.write(Buffer.concat(calls));
    await ended;
    // The heartbeat alone would need 20 s.
    expect(performance.now() - started).toBeLessThan(15_000);
    expect(runs).toBeLessThanOrEqual(100);
  });

  test("a peer that sends faster than its refusals are written is not read meanwhile", async () => {
    await reopen({ limits: { inFlight: 4 } });
    let refusals = 0;
    corridor.refuse = () => {
      refusals += 1;
      return new Promise(() => {});
    };
    const { socket } = await dialUnread();
    const rubbish = frame(JSON.stringify(kilobyte.slice(0, 100)));
    socket.write(Buffer.concat(Array.from({ length: 50_000 }, () => rubbish)));
    await expect.poll(() => refusals).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(refusals).toBeLessThan(2_000);
    socket.destroy();
  });

  test("a peer that reads slowly gets every answer", async () => {
    await reopen({ limits: { outbound: 100_000 } });
    const line = await dial("secret");
    line.socket.pause();
    for (let id = 0; id < 40; id++) line.send(call(id, "big", { kilobytes: "300" }));
    await new Promise((resolve) => setTimeout(resolve, 200));
    line.socket.resume();
    const ids = new Set<unknown>();
    for (let n = 0; n < 40; n++) {
      const { id, result } = await line.next();
      expect(result.result.text).toHaveLength(300_000);
      ids.add(id);
    }
    expect(ids.size).toBe(40);
  });

  test("answers that are too large together are refused one by one", async () => {
    await reopen({ limits: { waiting: 4_000_000 } });
    const line = await dial("secret");
    line.send([1, 2, 3].map((id) => call(id, "big", { kilobytes: "1500" })));
    const answers: Json[] = await line.next();
    expect(answers.map(({ id, result }) => [id, result.ok, result.code])).toEqual([
      [1, true, undefined],
      [2, false, "TOO_LARGE"],
      [3, false, "TOO_LARGE"],
    ]);
  });
});
