import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { enter } from "../support/doors.ts";
import { eventually } from "../support/guests.ts";
import { logIn } from "../support/oauth/login.ts";
import { ask, dialLine, type SocketLine } from "../support/socket-line.ts";
import { verifies, verifiesOnce } from "../support/verifies.ts";
import { openWorld, type World } from "../support/world.ts";

let world: World;
let slow: Server;
let asked = 0;
let abandoned = 0;

/** The promise is a second; the machine is shared with other tests. */
const soon = 5_000;

beforeAll(async () => {
  slow = createServer((request) => {
    asked += 1;
    request.once("close", () => abandoned++);
  });
  await new Promise<void>((resolve) => slow.listen(0, "127.0.0.1", resolve));
  world = await openWorld({
    policies: {
      "guest.yaml": `
subject: guest
purpose: optional
scopes:
  - { tool: fs.readFile, allow: ["@served/**"] }
  - { tool: http.fetch, allow: ["http://127.0.0.1:*/**"], labels: { untrusted: false, clearance: ["*"] } }
`,
    },
  });
});
afterAll(async () => {
  await world?.close();
  slow?.closeAllConnections();
  slow?.close();
});

interface Made {
  readonly name: string;
  readonly token: string;
}

let made = 0;
async function make(expires = "1h"): Promise<Made> {
  const name = `revoked-${++made}`;
  const args = ["token", "create", name, "--subject", "guest", "--expires", expires, "--json"];
  const { stdout } = await world.run(...args);
  return { name, token: (JSON.parse(stdout) as { token: string }).token };
}

const revoke = async (name: string): Promise<void> => {
  expect((await world.run("token", "revoke", name)).status).toBe(0);
};

async function dial(token: string): Promise<SocketLine & { readonly session: string }> {
  const line = await dialLine(Number(new URL(world.listening.http).port));
  line.send(ask(1, "auth.exchange", { token }));
  const { result } = await line.next();
  return { ...line, session: (result as { session: string }).session };
}

/** What a promise comes to in time. */
const within = <T>(promise: Promise<T>): Promise<T | "still open"> =>
  Promise.race([promise, new Promise<"still open">((resolve) => setTimeout(resolve, soon, "still open").unref())]);

interface OpenStream {
  readonly ended: Promise<unknown>;
  close(): void;
}

/** Reads a response to whatever end it has. */
function drain(response: Response, controller: AbortController): OpenStream {
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toContain("text/event-stream");
  const ended = response.text().then(
    () => "ended",
    () => "ended",
  );
  return { ended, close: () => controller.abort() };
}

const revision = "2025-11-25";
const clientInfo = { name: "stream-reader", version: "1" };

async function initialize(token: string): Promise<Record<string, string>> {
  const headers = {
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
  };
  const params = { protocolVersion: revision, capabilities: {}, clientInfo };
  const body = JSON.stringify(ask(1, "initialize", params));
  const response = await fetch(world.listening.mcp, { method: "POST", headers, body });
  await response.text();
  return {
    ...headers,
    "mcp-session-id": response.headers.get("mcp-session-id") ?? "",
    "mcp-protocol-version": revision,
  };
}

/** A stream that a client holds open, on each door that has one. */
const streams: Readonly<Record<string, (token: string) => Promise<OpenStream>>> = {
  "the stream of an MCP session": async (token) => {
    const { "content-type": _, ...headers } = await initialize(token);
    const controller = new AbortController();
    const wanted = { headers: { ...headers, accept: "text/event-stream" }, signal: controller.signal };
    return drain(await fetch(world.listening.mcp, wanted), controller);
  },
  "the stream of the older pair": async (token) => {
    const controller = new AbortController();
    const headers = { authorization: `Bearer ${token}`, accept: "text/event-stream" };
    return drain(await fetch(world.listening.sse, { headers, signal: controller.signal }), controller);
  },
};

describe("what is open ends with its login", () => {
  verifies("A1.revoked", async (door) => {
    const { name, token } = await make();
    const guest = await enter(door, world, { token, subject: "guest" });
    expect(await guest.call("fs.readFile", { path: "notes/todo.md" })).toMatchObject({ ok: true });
    // A call that runs is ended too: its answer would come after the revocation.
    const url = `http://127.0.0.1:${(slow.address() as AddressInfo).port}/never`;
    const [before, gone] = [asked, abandoned];
    const running = guest.call("http.fetch", { url }).then(
      ({ ok }) => ok,
      () => false,
    );
    await eventually(soon, () => expect(asked).toBe(before + 1));
    await revoke(name);
    await eventually(soon, () => expect(abandoned).toBe(gone + 1));
    // The client of the older pair waits for an answer though its stream has ended.
    if (door !== "mcp-sse") expect(await within(running)).toBe(false);
    const refused = guest.call("fs.readFile", { path: "notes/todo.md" }).then(
      ({ ok }) => ok,
      () => false,
    );
    expect(await within(refused)).toBe(false);
    await guest.close().catch(() => {});
  });

  test("a silent WebSocket is closed with 4401 when its token is revoked by another process", async () => {
    const { name, token } = await make();
    const line = await dial(token);
    await revoke(name);
    expect(await within(line.closed)).toBe(4401);
  });

  test("a silent WebSocket is closed with 4401 at the end of its token", async () => {
    const { token } = await make("2s");
    expect(await within((await dial(token)).closed)).toBe(4401);
  });

  test("of two logins on one WebSocket the later one counts", async () => {
    const [first, second] = [await make(), await make()];
    const line = await dial(first.token);
    line.send(ask(2, "auth.exchange", { token: second.token }));
    expect(await line.next()).toMatchObject({ result: { subject: "guest" } });
    await revoke(first.name);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(line.socket.readyState).toBe(line.socket.OPEN);
    await revoke(second.name);
    expect(await within(line.closed)).toBe(4401);
  });

  test("a revocation leaves everybody else's connection alone", async () => {
    const [gone, staying] = [await make(), await make()];
    const [ending, other] = [await dial(gone.token), await dial(staying.token)];
    await revoke(gone.name);
    expect(await within(ending.closed)).toBe(4401);
    other.send(ask(2, "tools.list"));
    expect(await other.next()).toMatchObject({ id: 2, result: { tools: expect.any(Array) } });
    other.socket.close();
  });

  describe.each(Object.entries(streams))("%s", (_name, open) => {
    test("when its token is revoked", async () => {
      const { name, token } = await make();
      const stream = await open(token);
      await revoke(name);
      expect(await within(stream.ended)).toBe("ended");
    });

    test("at the end of its token", async () => {
      const { token } = await make("2s");
      expect(await within((await open(token)).ended)).toBe("ended");
    });

    test("when the grant of its client is withdrawn, and not before", async () => {
      const name = `grant-${++made}`;
      const { access } = await logIn(world, { fields: { name } });
      const stream = await open(access);
      await new Promise((resolve) => setTimeout(resolve, 700));
      expect(await Promise.race([stream.ended, "open"])).toBe("open");
      await revoke(name);
      expect(await within(stream.ended)).toBe("ended");
    });
  });

  test("everything of a grant at once, when a refresh token comes twice", async () => {
    const { access, refresh, clientId } = await logIn(world, { fields: { name: "copied" } });
    const [line, stream] = [await dial(access), await (streams["the stream of the older pair"]?.(access) as never)];
    const body = () =>
      new URLSearchParams({ grant_type: "refresh_token", refresh_token: refresh, client_id: clientId });
    const statuses = [];
    for (let time = 0; time < 2; time++)
      statuses.push((await fetch(`${world.listening.http}/oauth/token`, { method: "POST", body: body() })).status);
    expect(statuses).toEqual([200, 400]);
    expect(await within(line.closed)).toBe(4401);
    expect(await within((stream as OpenStream).ended)).toBe("ended");
  });
});

interface ListedSession {
  readonly id: string;
  readonly door: string;
  readonly token: string;
  readonly client: string;
}

const sessionsOf = async (token: string): Promise<readonly ListedSession[]> => {
  const { stdout } = await world.run("session", "list", "--json");
  const { sessions } = JSON.parse(stdout) as { sessions: ListedSession[] };
  return sessions.filter((session) => session.token === token);
};

describe("the owner's lists", () => {
  verifiesOnce("A1.sessions", async () => {
    const { name, token } = await make();
    const line = await dial(token);
    const stream = await (streams["the stream of an MCP session"] as (token: string) => Promise<OpenStream>)(token);
    const sessions = await sessionsOf(name);
    expect(sessions.map(({ door }) => door).sort()).toEqual(["mcp-http", "websocket"]);
    expect(sessions.map(({ client }) => client)).toContain("stream-reader");
    expect((await world.run("session", "list")).stdout).toContain(name);
    const byDoor = (door: string) => sessions.find((session) => session.door === door)?.id ?? "";
    expect((await world.run("session", "revoke", byDoor("websocket"))).status).toBe(0);
    expect(await within(line.closed)).toBe(4401);
    expect((await world.run("session", "revoke", byDoor("mcp-http").slice(0, 8))).status).toBe(0);
    expect(await within(stream.ended)).toBe("ended");
    // The token was not taken back: its bearer may come in again.
    const again = await dial(token);
    expect(await sessionsOf(name)).toHaveLength(1);
    again.socket.close();
    await again.closed;
    await eventually(soon, async () => expect(await sessionsOf(name)).toEqual([]));
    expect((await world.run("session", "revoke", byDoor("websocket"))).status).toBe(1);
    for (const wrong of ["", "abc", "%", "zzzzzzzz"])
      expect((await world.run("session", "revoke", wrong)).status, wrong).toBe(64);
  });

  verifiesOnce("A2.clients", async () => {
    const [one, other] = [await logIn(world, { fields: { name: "laptop" } }), await logIn(world)];
    const list = async () => JSON.parse((await world.run("client", "list", "--json")).stdout).clients as ListedClient[];
    const find = async (id: string) => (await list()).find((client) => client.id === id);
    expect(await find(one.clientId)).toMatchObject({ name: "Test Client", grants: [{ name: "laptop" }] });
    expect((await world.run("client", "list")).stdout).toContain("laptop");
    // Two clients go by one name, which is their own claim.
    expect(await world.run("client", "revoke", "Test Client")).toMatchObject({ status: 1 });
    expect((await world.run("client", "revoke", one.clientId, "nothing")).status).toBe(1);
    const line = await dial(one.access);
    expect((await world.run("client", "revoke", one.clientId, "laptop")).status).toBe(0);
    expect(await within(line.closed)).toBe(4401);
    expect(await find(one.clientId)).toMatchObject({ grants: [] });
    const still = await dial(other.access);
    expect((await world.run("client", "revoke", other.clientId)).status).toBe(0);
    expect(await within(still.closed)).toBe(4401);
    expect(await find(other.clientId)).toBeUndefined();
    const asked = new URLSearchParams({
      grant_type: "refresh_token",
      refresh_token: other.refresh,
      client_id: other.clientId,
    });
    const answer = await fetch(`${world.listening.http}/oauth/token`, { method: "POST", body: asked });
    expect(await answer.json()).toMatchObject({ error: "invalid_client" });
  });
});

interface ListedClient {
  readonly id: string;
  readonly name: string;
  readonly grants: readonly { readonly name: string }[];
}
