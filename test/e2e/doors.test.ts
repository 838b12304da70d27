import { request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { connect } from "@portcullis/client";
import { afterAll, beforeAll, describe, expect } from "vitest";
import WebSocket, { WebSocketServer } from "ws";
import { enter, enterMcp } from "../support/doors.ts";
import { asGuest, eventually } from "../support/guests.ts";
import type { DoorName } from "../support/requirement.ts";
import { verifies, verifiesOnce } from "../support/verifies.ts";
import { openWorld, type World } from "../support/world.ts";

let world: World;

beforeAll(async () => {
  world = await openWorld({
    settings: "limits: { turnCalls: 1000 }\n",
    policies: {
      "reader.yaml": `
subject: reader
scopes:
  - { tool: [fs.readFile, search], allow: ["@served/**"] }
`,
    },
  });
});
afterAll(() => world?.close());

/** A WebSocket spoken by hand: what is sent goes out as it is, and every message that comes in is kept. */
async function speak(): Promise<{
  send(data: string | Buffer, binary?: boolean): void;
  next(): Promise<unknown>;
  closed: Promise<number>;
  close(): void;
}> {
  const socket = new WebSocket(world.listening.websocket, "portcullis.v1");
  const heard: unknown[] = [];
  const waiting: ((message: unknown) => void)[] = [];
  socket.on("message", (data) => {
    const message: unknown = JSON.parse(String(data));
    const first = waiting.shift();
    if (first) first(message);
    else heard.push(message);
  });
  const closed = new Promise<number>((resolve) => socket.once("close", resolve));
  socket.on("error", () => {});
  await new Promise((resolve) => socket.once("open", resolve));
  return {
    send: (data, binary = false) => socket.send(data, { binary }),
    next: () => (heard.length > 0 ? Promise.resolve(heard.shift()) : new Promise((resolve) => waiting.push(resolve))),
    closed,
    close: () => socket.close(),
  };
}

const ask = (id: unknown, method: string, params?: unknown) => JSON.stringify({ jsonrpc: "2.0", id, method, params });

describe("doors", () => {
  verifies("W1.jsonrpc", async () => {
    const line = await speak();
    for (const id of ["01J", 7, null]) {
      line.send(ask(id, "health.check"));
      expect(await line.next()).toMatchObject({ jsonrpc: "2.0", id, result: { live: true } });
    }
    line.send(JSON.stringify({ jsonrpc: "2.0", method: "health.check" }));
    line.send("[]");
    expect(await line.next()).toMatchObject({ id: null, error: { code: -32600 } });
    line.send("{ nothing");
    expect(await line.next()).toMatchObject({ id: null, error: { code: -32700 } });
    line.send(
      `[1, ${ask("a", "health.check")}, {"jsonrpc":"2.0","method":"health.check"}, {"id":5}, ${ask("b", "no.such")}]`,
    );
    const batch = (await line.next()) as { id: unknown; error?: { code: number } }[];
    expect(batch).toHaveLength(4);
    expect(batch.filter(({ error }) => error?.code === -32600)).toHaveLength(2);
    expect(batch.find(({ id }) => id === "a")).toHaveProperty("result");
    expect(batch.find(({ id }) => id === "b")?.error?.code).toBe(-32601);
    line.close();
  });

  verifies("W1.frames", async () => {
    const big = await speak();
    big.send("x".repeat(200 * 1024 * 1024));
    expect(await big.closed).toBe(1009);
    const binary = await speak();
    binary.send(Buffer.from("{}"), true);
    expect(await binary.closed).toBe(1003);
    const mangled = await speak();
    mangled.send(Buffer.from([0x22, 0xff, 0xfe, 0x22]), false);
    expect(await mangled.closed).toBe(1007);
    const after = await speak();
    after.send(ask(1, "health.check"));
    expect(await after.next()).toMatchObject({ result: { ready: true } });
    after.close();
  });

  verifies("W2.methods", async () => {
    const line = await speak();
    line.send(ask(0, "auth.exchange", { token: await world.token("reader") }));
    expect(await line.next()).toMatchObject({ id: 0, result: { subject: "reader" } });
    const params: Record<string, unknown> = {
      "tools.call": { name: "fs.readFile", args: { path: "notes/todo.md" }, trace: { purpose: "see" } },
      "prompts.get": { name: "none" },
      "resources.read": { uri: "file:///none" },
      "events.subscribe": { topic: "fs.watch", params: { dir: "." } },
      "events.unsubscribe": { subscription: "none" },
      "consent.request": { auditId: "none" },
      "consent.status": { id: "none" },
      "sampling.create": { messages: [] },
    };
    const { methods } = (await (async () => {
      line.send(ask(1, "capabilities.get"));
      return ((await line.next()) as { result: { methods: string[] } }).result;
    })()) as { methods: string[] };
    for (const method of [
      "tools.list",
      "tools.call",
      "resources.list",
      "prompts.list",
      "auth.refresh",
      "health.check",
      ...Object.keys(params),
    ]) {
      expect(methods).toContain(method);
      line.send(ask(method, method, params[method] ?? {}));
      const answer = (await line.next()) as { id: string; error?: { code: number } };
      expect(answer.id).toBe(method);
      expect(answer.error?.code).not.toBe(-32601);
    }
    line.send(ask(2, "no.such"));
    expect(await line.next()).toMatchObject({ id: 2, error: { code: -32601, data: { code: "METHOD_NOT_FOUND" } } });
    line.close();
  });

  verifies("W3.envelope", async () => {
    const line = await speak();
    const seen: string[] = [];
    for (const bad of [
      "{",
      "[]",
      ask(1, "no.such"),
      ask(2, "tools.list"),
      ask(3, "auth.exchange", {}),
      ask(4, "auth.exchange", { token: "pcl_wrong" }),
    ]) {
      line.send(bad);
      const { error } = (await line.next()) as { error: { data: { code: string; auditId: string } } };
      expect(error.data.code).toMatch(/^[A-Z_]+$/);
      seen.push(error.data.auditId);
    }
    const known = new Set((await world.audit()).map(({ id }) => id));
    expect(seen.filter((id) => !known.has(id))).toEqual([]);
    line.close();
  });

  verifies("W6.session", async () => {
    const line = await speak();
    for (const method of ["health.check", "capabilities.get"]) {
      line.send(ask(method, method));
      expect(await line.next()).toHaveProperty("result");
    }
    for (const method of ["tools.list", "tools.call", "resources.list", "auth.refresh"]) {
      line.send(ask(method, method, method === "tools.call" ? { name: "fs.readFile", args: {} } : {}));
      expect(await line.next()).toMatchObject({
        id: method,
        error: { code: -32001, data: { code: "UNAUTHENTICATED" } },
      });
    }
    line.send(ask(1, "auth.exchange", { token: await world.token("reader") }));
    const { result } = (await line.next()) as { result: { expiresInMs: number } };
    expect(result.expiresInMs).toBeLessThanOrEqual(15 * 60_000);
    line.send(ask(2, "auth.refresh", {}));
    expect(await line.next()).toMatchObject({ id: 2, result: { subject: "reader" } });
    line.send(ask(3, "auth.exchange", { token: world.ownerToken }));
    expect(await line.next()).toHaveProperty("error");
    line.send(ask(4, "tools.list", {}));
    expect(await line.next()).toMatchObject({ id: 4, result: { tools: expect.any(Array) } });
    line.close();
  });

  verifies("W7.tools", (door) =>
    asGuest(world, { door, subject: "reader" }, async (reader) => {
      const tools = await reader.tools();
      expect(tools.map(({ name }) => name.replace("_", ".")).sort()).toEqual(["fs.readFile", "search"]);
      for (const tool of tools) {
        expect(tool.description).not.toBe("");
        expect(tool.input).toMatchObject({ type: "object" });
        expect(tool.output).toMatchObject({ type: "object" });
        expect(tool.annotations).toMatchObject({ readOnlyHint: true });
      }
    }),
  );

  verifies("M3.names", async (door) => {
    await asGuest(world, { door, subject: "owner" }, async (owner) => {
      const names = (await owner.tools()).map(({ name }) => name);
      for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_-]{1,48}$/);
      expect(new Set(names).size).toBe(names.length);
    });
  });

  verifiesOnce("M1.revisions", async () => {
    const token = await world.token("reader");
    for (const revision of ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]) {
      const response = await fetch(world.listening.mcp, {
        method: "POST",
        headers: {
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
        },
        body: ask(1, "initialize", {
          protocolVersion: revision,
          capabilities: {},
          clientInfo: { name: "t", version: "1" },
        }),
      });
      expect(await response.text(), revision).toContain(`"protocolVersion":"${revision}"`);
    }
    const transport = new StreamableHTTPClientTransport(new URL(world.listening.mcp), {
      requestInit: { headers: { Authorization: `Bearer ${token}` } },
    });
    const guest = await enterMcp(transport, "2026-07-28");
    expect(await guest.call("fs.readFile", { path: "notes/todo.md" })).toMatchObject({ ok: true });
    await guest.close();
  });

  verifies("W4.validation", (door) =>
    asGuest(world, { door, subject: "reader" }, async (reader) => {
      const refused = await reader.call("fs.readFile", { path: 7, colour: "blue" });
      expect(refused).toMatchObject({
        ok: false,
        code: "VALIDATION_ERROR",
        details: { errors: [expect.objectContaining({ message: expect.any(String) })] },
      });
      expect(await reader.call("fs.readFile", {})).toMatchObject({ ok: false, code: "VALIDATION_ERROR" });
    }),
  );

  verifies("W4.unknown-tool", (door) =>
    asGuest(world, { door, subject: "reader" }, async (reader) => {
      const refused = await reader.call("fs.readFiel", { path: "notes/todo.md" });
      expect(refused).toMatchObject({ ok: false, code: "NOT_FOUND" });
      expect(JSON.stringify(refused)).toMatch(/fs[._]readFile/);
    }),
  );

  verifies("A1.tokens", async (door) => {
    for (const token of ["", "pcl_wrong", "Bearer"]) {
      const failed = await enter(door, world, { token, subject: "x" }).then(
        async (guest) => {
          const answer = await guest.call("fs.readFile", { path: "notes/todo.md" }).catch(String);
          await guest.close();
          return JSON.stringify(answer);
        },
        (error: unknown) => `${(error as Error).message} ${JSON.stringify(error)}`,
      );
      expect(failed).toMatch(/UNAUTHENTICATED|INVALID_PARAMS|401|[Uu]nauthori[sz]ed/);
      expect(failed).not.toContain("Water the plants");
    }
    expect(
      (await world.audit()).some(
        ({ outcome, door: through }) =>
          outcome === "UNAUTHENTICATED" && through === (door === "mcp-http-legacy" ? "mcp-http" : door),
      ),
    ).toBe(true);
  });

  verifies("W6.revoked", async (door) => {
    const name = `leaver-${door}`;
    const { stdout } = await world.run("token", "create", name, "--subject", "reader", "--json");
    const guest = await enter(door, world, {
      token: (JSON.parse(stdout) as { token: string }).token,
      subject: "reader",
    });
    expect(await guest.call("fs.readFile", { path: "notes/todo.md" })).toMatchObject({ ok: true });
    expect((await world.run("token", "revoke", name)).status).toBe(0);
    const after = await guest
      .call("fs.readFile", { path: "notes/todo.md" })
      .then(JSON.stringify, (error: unknown) => `${(error as Error).message} ${JSON.stringify(error)}`);
    expect(after).toMatch(/UNAUTHENTICATED|401|[Uu]nauthori[sz]ed/);
    expect(after).not.toContain("Water");
    await guest.close().catch(() => {});
  });

  verifies("A3.host", async (door) => {
    const path: Record<DoorName, string> = {
      websocket: "/v1/connector",
      http: "/v1/tools",
      "mcp-http": "/mcp",
      "mcp-http-legacy": "/mcp",
      "mcp-sse": "/sse/",
      "mcp-stdio": "",
    };
    const headers = { authorization: `Bearer ${world.ownerToken}`, accept: "text/event-stream, application/json" };
    const upgrade =
      door === "websocket"
        ? {
            connection: "Upgrade",
            upgrade: "websocket",
            "sec-websocket-version": "13",
            "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
          }
        : {};
    for (const foreign of [
      { host: "evil.test" },
      { origin: "https://evil.test" },
      { host: "127.0.0.1.evil.test:80" },
    ]) {
      expect(await statusOf(path[door], { ...headers, ...upgrade, ...foreign }), JSON.stringify(foreign)).toBe(403);
    }
  });

  verifies("W9.mirror", async () => {
    const url = `${world.listening.http}/v1/tools/call`;
    const post = (body: string, token = world.ownerToken) =>
      fetch(url, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body,
      });
    const good = await post(
      JSON.stringify({ name: "fs.readFile", args: { path: "notes/todo.md" }, trace: { purpose: "see" } }),
      await world.token("reader"),
    );
    expect([good.status, await good.json()]).toEqual([
      200,
      expect.objectContaining({ ok: true, auditId: expect.any(String) }),
    ]);
    for (const [body, status, code] of [
      ["{", 400, "PARSE_ERROR"],
      ["[]", 400, "INVALID_PARAMS"],
      ['{"name":"no.such","trace":{"purpose":"x"}}', 404, "NOT_FOUND"],
      ['{"name":"fs.readFile","args":{"path":1},"trace":{"purpose":"x"}}', 400, "VALIDATION_ERROR"],
      ['{"name":"fs.readFile","args":{"path":"/etc/passwd"},"trace":{"purpose":"x"}}', 403, "PERMISSION_DENIED"],
    ] as const) {
      const response = await post(body);
      const answer = (await response.json()) as { code: string; auditId: string };
      expect(response.status, body).toBe(status);
      expect(answer.auditId).toMatch(/^[0-9A-Z]{26}$/);
      if (body !== "[]") expect(answer.code).toBe(code);
    }
    expect((await post("{}", "pcl_no")).status).toBe(401);
    const unread = await fetch(`${world.listening.http}/v1/health`);
    expect(await unread.json()).toMatchObject({ live: true, ready: true });
  });

  verifies("W9.openapi", async () => {
    const document = (await (await fetch(`${world.listening.http}/openapi.json`)).json()) as {
      openapi: string;
      paths: object;
    };
    expect(document.openapi).toMatch(/^3\.1/);
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining([
        "/v1/tools/call",
        "/v1/tools",
        "/v1/capabilities",
        "/v1/health",
        "/v1/manifest",
        "/v1/prompt",
      ]),
    );
    const { Validator } = await import("@seriousme/openapi-schema-validator");
    expect(await new Validator().validate(document)).toMatchObject({ valid: true });
  });

  verifies("W10.manifest", async () => {
    const headers = { authorization: `Bearer ${await world.token("reader")}` };
    const manifest = (await (await fetch(`${world.listening.http}/v1/manifest`, { headers })).json()) as {
      tools: { name: string }[];
    };
    expect(manifest.tools.map(({ name }) => name)).toEqual(["fs.readFile", "search"]);
    const prompt = await (await fetch(`${world.listening.http}/v1/prompt`, { headers })).text();
    expect(prompt).toContain("fs.readFile(");
    expect(prompt).not.toContain("git.log");
  });

  verifies("K1.client", async () => {
    const client = await connect({ url: world.listening.websocket, token: await world.token("reader") });
    const read = () => client.call("fs.readFile", { path: "notes/todo.md" }, { purpose: "see" });
    expect(await read()).toMatchObject({ ok: true });
    await world.restart("SIGKILL");
    await eventually(10_000, async () => expect(await read()).toMatchObject({ ok: true }));
    await client.close();

    const liar = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    liar.on("connection", (socket) =>
      socket.on("message", (data) =>
        socket.send(JSON.stringify({ jsonrpc: "2.0", id: JSON.parse(String(data)).id, result: { ok: "perhaps" } })),
      ),
    );
    await new Promise((resolve) => liar.once("listening", resolve));
    const url = `ws://127.0.0.1:${(liar.address() as AddressInfo).port}/v1/connector`;
    await expect(connect({ url, token: "pcl_any" })).rejects.toThrow(/answer|schema|malformed/i);
    liar.close();
  });

  verifies("W4.internal", async (door) => {
    const ailing = await openWorld({
      policies: { "finder.yaml": "subject: finder\nscopes:\n  - { tool: search, allow: ['@served/**'] }\n" },
    });
    try {
      await asGuest(ailing, { door, subject: "finder" }, async (finder) => {
        await eventually(5_000, async () =>
          expect(
            (await finder.call("search", { query: "plants" }, { purpose: `${performance.now()}` })).result.results,
          ).toHaveLength(1),
        );
        const index = new DatabaseSync(join(ailing.data, "index.db"));
        index.exec("DROP TABLE passages");
        index.close();
        const failed = await finder.call("search", { query: "plants" }, { purpose: "after the fall" });
        expect(failed).toMatchObject({ ok: false, code: "INTERNAL", auditId: expect.any(String) });
        expect(JSON.stringify(failed)).not.toMatch(/no such table|SQLITE|\.ts:|node:/i);
        // The log comes through a pipe of its own, so it may arrive after the answer.
        if (door !== "mcp-stdio") await eventually(5_000, () => expect(ailing.log()).toContain(failed.auditId));
      });
    } finally {
      await ailing.close();
    }
  });
});

/** The status of a request whose Host and Origin are whatever is wanted: fetch would not send them. */
const statusOf = (path: string, headers: Record<string, string>): Promise<number> =>
  new Promise((resolve, reject) => {
    const request = httpRequest(`${world.listening.http}${path}`, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
      request.destroy();
    });
    request.once("upgrade", (response, socket) => {
      socket.destroy();
      resolve(response.statusCode ?? 0);
    });
    request.once("error", reject);
    request.end();
  });
