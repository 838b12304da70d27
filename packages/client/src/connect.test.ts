import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type WebSocket as Peer, WebSocketServer } from "ws";
import { type Client, type ConnectOptions, connect } from "./connect.ts";
import { ConnectionLost, MalformedAnswer, RefusedRequest } from "./errors.ts";

// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever was asked
type Json = any;
/** What the server does with a request: answers with what is returned, unless that is undefined. */
type Script = (request: Json, peer: Peer) => unknown;

let server: WebSocketServer;
let asked: Json[] = [];
let script: Script;
let clients: Client[] = [];

const session = (expiresInMs = 900_000) => ({
  session: "pcs",
  subject: "duck",
  expiresAt: "2030-01-01T00:00:00.000Z",
  expiresInMs,
  refreshable: true,
});
const result = (id: unknown, value: unknown) => ({ jsonrpc: "2.0", id, result: value });
const refusal = (id: unknown, code = "UNAUTHENTICATED") => ({
  jsonrpc: "2.0",
  id,
  error: { code: -32_001, message: "no", data: { code, auditId: "A1" } },
});
const success = { ok: true, result: { text: "hi" }, auditId: "A2" };

async function listen(port = 0): Promise<void> {
  server = new WebSocketServer({ port, host: "127.0.0.1" });
  server.on("connection", (peer) =>
    peer.on("message", (data) => {
      const request = JSON.parse(String(data));
      asked.push(request);
      const login = request.method === "auth.exchange" || request.method === "auth.refresh";
      const answer = script(request, peer) ?? (login ? result(request.id, session()) : undefined);
      if (answer !== undefined && answer !== null)
        peer.send(typeof answer === "string" ? answer : JSON.stringify(answer));
    }),
  );
  await new Promise((resolve) => server.once("listening", resolve));
}
const stop = async (): Promise<void> => {
  for (const peer of server.clients) peer.terminate();
  await new Promise((resolve) => server.close(resolve));
};
beforeEach(async () => {
  asked = [];
  clients = [];
  script = ({ id, method }) => (method === "tools.call" ? result(id, success) : undefined);
  await listen();
});
afterEach(async () => {
  for (const client of clients) await client.close();
  await stop();
});

const port = (): number => (server.address() as AddressInfo).port;
async function dial(options: Partial<ConnectOptions> = {}): Promise<Client> {
  const client = await connect({ url: `ws://127.0.0.1:${port()}/v1/connector`, token: "pcl", ...options });
  clients.push(client);
  return client;
}
const names = (): string[] => asked.map(({ method }) => method);

describe("a client", () => {
  test("logs in, calls with a ULID and the trace it was given, and tells who it is", async () => {
    const client = await dial({ trace: { agent: "duck@home", purpose: "by default" } });
    expect(await client.call("echo", { text: "hi" }, { purpose: "to see" })).toEqual(success);
    expect(asked[0]).toMatchObject({ method: "auth.exchange", params: { token: "pcl" } });
    expect(asked[1]).toMatchObject({
      jsonrpc: "2.0",
      id: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/),
      params: { name: "echo", args: { text: "hi" }, trace: { agent: "duck@home", purpose: "to see" } },
    });
    expect(client.session).toEqual({ subject: "duck", expiresAt: "2030-01-01T00:00:00.000Z" });
  });

  test("rejects what the server refused, and gives a refused call as an outcome", async () => {
    const failure = { ok: false, code: "RATE_LIMITED", message: "slow", details: { retryAfterMs: 5 }, auditId: "A3" };
    script = ({ id, method }) => {
      if (method === "tools.call" || method === "tools.list") return result(id, failure);
      return method === "prompts.list" ? refusal(id, "INVALID_PARAMS") : undefined;
    };
    const client = await dial();
    expect(await client.call("echo")).toEqual(failure);
    const refused = await client.tools().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(RefusedRequest);
    expect(refused).toMatchObject({ code: "RATE_LIMITED", auditId: "A3", details: { retryAfterMs: 5 } });
    await expect(client.request("prompts.list")).rejects.toMatchObject({ code: "INVALID_PARAMS", auditId: "A1" });
  });

  test("rejects when its token is refused", async () => {
    script = ({ id }) => refusal(id);
    await expect(dial()).rejects.toMatchObject({ name: "RefusedRequest", code: "UNAUTHENTICATED" });
  });
});

describe("a malformed answer is refused", () => {
  const answers: [string, (id: unknown) => unknown][] = [
    ["an outcome that fits no schema", (id) => result(id, { ok: "perhaps" })],
    ["an outcome without audit id", (id) => result(id, { ok: true, result: 1 })],
    ["a result and an error", (id) => ({ ...result(id, success), ...refusal(id) })],
    ["neither", (id) => ({ jsonrpc: "2.0", id })],
    ["an error without data", (id) => ({ jsonrpc: "2.0", id, error: { code: 1, message: "x" } })],
    ["an error of no known code", (id) => refusal(id, "__proto__")],
    ["an error that is null", (id) => ({ jsonrpc: "2.0", id, error: null })],
  ];
  test.each(answers)("%s", async (_, make) => {
    script = ({ id, method }) => (method === "tools.call" ? make(id) : undefined);
    const client = await dial();
    await expect(client.call("echo")).rejects.toBeInstanceOf(MalformedAnswer);
  });

  test.each([["{ no JSON"], ["null"], ["7"], ["[]"], ['{"id":1}']])("%s ends the connection", async (text) => {
    script = ({ method }) => (method === "tools.call" ? text : undefined);
    const client = await dial({ reconnect: false });
    await expect(client.call("echo")).rejects.toThrow(/malformed/);
    expect(client.session).toBeUndefined();
  });

  test("answers to nobody, and notifications, are passed over", async () => {
    script = ({ id, method }, peer) => {
      if (method !== "tools.call") return undefined;
      for (const stray of [result("other", success), result(null, success), { jsonrpc: "2.0", method: "news" }]) {
        peer.send(JSON.stringify(stray));
      }
      return result(id, success);
    };
    expect(await (await dial()).call("echo")).toEqual(success);
  });
});

describe("waits have an end", () => {
  test("of a connection that does not open", async () => {
    await expect(connect({ url: "ws://127.0.0.1:1/", token: "x", reconnect: false })).rejects.toBeInstanceOf(
      ConnectionLost,
    );
  });

  test("of an answer: the call is withdrawn, and a silent server left", async () => {
    script = ({ method }) => (method === "tools.call" ? null : undefined);
    const client = await dial({ answerMs: 100 });
    await expect(client.call("echo")).rejects.toThrow(/no answer to tools.call within 100 ms/);
    await expect.poll(names).toEqual(["auth.exchange", "tools.call", "call.cancel", "health.check"]);
    expect(asked[2].params.id).toBe(asked[1].id);
  });

  test("of a call that its caller withdraws", async () => {
    const cancelled = { ok: false, code: "CANCELLED", message: "withdrawn", auditId: "A4" };
    script = ({ method, params }) => (method === "call.cancel" ? result(params.id, cancelled) : undefined);
    const client = await dial();
    const controller = new AbortController();
    const outcome = client.call("wait", {}, { signal: controller.signal });
    await expect.poll(names).toContain("tools.call");
    controller.abort();
    expect(await outcome).toMatchObject({ ok: false, code: "CANCELLED" });
  });
});

describe("the session", () => {
  test("is refreshed before it ends", async () => {
    script = ({ id, method }) => (method.startsWith("auth.") ? result(id, session(1_300)) : result(id, success));
    await dial();
    await expect.poll(names, { timeout: 3_000 }).toContain("auth.refresh");
  });

  test("is opened anew, once, when it has ended unnoticed", async () => {
    let refused = 0;
    script = ({ id, method }) => {
      if (method !== "tools.call") return undefined;
      refused += 1;
      return refused === 1 ? refusal(id) : result(id, success);
    };
    const client = await dial();
    expect(await client.call("echo")).toEqual(success);
    expect(names()).toEqual(["auth.exchange", "tools.call", "auth.exchange", "tools.call"]);
    script = ({ id, method }) => (method === "tools.call" ? refusal(id) : undefined);
    await expect(client.call("echo")).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });
});

describe("a lost connection", () => {
  test("refuses what was under way, and is opened again for the next call", async () => {
    script = ({ id, method, params }) =>
      method === "tools.call" ? (params.name === "wait" ? null : result(id, success)) : undefined;
    const client = await dial();
    const waiting = client.call("wait").catch((error: unknown) => error);
    await expect.poll(names).toContain("tools.call");
    const was = port();
    await stop();
    expect(await waiting).toBeInstanceOf(ConnectionLost);
    const next = client.call("echo");
    setTimeout(() => void listen(was), 300);
    expect(await next).toEqual(success);
  });

  test("stays lost when the client does not come back, or was closed", async () => {
    const client = await dial({ reconnect: false });
    for (const peer of server.clients) peer.terminate();
    await expect.poll(() => client.session).toBeUndefined();
    await expect(client.call("echo")).rejects.toBeInstanceOf(ConnectionLost);
    const closed = await dial();
    await closed.close();
    await expect(closed.call("echo")).rejects.toThrow(/closed/);
    await expect.poll(() => server.clients.size).toBe(0);
  });
});
