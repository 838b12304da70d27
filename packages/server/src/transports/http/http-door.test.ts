import type { IncomingMessage } from "node:http";
import { ToolCall } from "@portcullis/contracts";
import { Validator } from "@seriousme/openapi-schema-validator";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createFakeCorridor, fakeTool } from "../../../../../test/support/fake-corridor.ts";
import { freePort, sendRequest, speakRaw } from "../../../../../test/support/http-line.ts";
import { type SessionCorridor, withSessions } from "../../../../../test/support/session-corridor.ts";
import { createHttpDoor, type HttpDoor } from "./http-door.ts";

// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever was answered
type Json = any;

let corridor: SessionCorridor;
let door: HttpDoor;
let raw: string[] = [];
let finish: () => void = () => {};
let withdrawn = false;
let port = 0;

const refuse = (code: string, details: object): never => {
  throw Object.assign(new Error(code), { code, details });
};

async function open(options: { publicUrl?: string; allowedHosts?: string[]; allowedOrigins?: string[] } = {}) {
  raw = [];
  withdrawn = false;
  corridor = withSessions(
    createFakeCorridor(
      [
        fakeTool("echo", ["text"], ({ text }) => ({ text })),
        fakeTool("tired", [], () => refuse("RATE_LIMITED", { retryAfterMs: 1_500 })),
        fakeTool("barred", [], () => refuse("PERMISSION_DENIED", { scope: null })),
        fakeTool("fetch", ["id"], ({ id }) => ({
          id,
          title: `About <b>`,
          text: `\n<script>alert(1)</script> & ${id}`,
        })),
        fakeTool(
          "wait",
          [],
          (_, { signal }) =>
            new Promise((resolve) => {
              finish = () => resolve({ done: true });
              signal?.addEventListener("abort", () => {
                withdrawn = true;
                finish();
              });
            }),
        ),
      ],
      { secret: "duck" },
    ),
  );
  const take =
    (name: string) =>
    async (request: IncomingMessage, response: Json, sender: Json): Promise<void> => {
      let body = "";
      for await (const chunk of request) body += chunk;
      raw.push(`${name} ${request.method} ${sender.credential.kind} ${body}`);
      response.end("taken");
    };
  port = await freePort();
  door = createHttpDoor({
    corridor,
    host: "127.0.0.1",
    port,
    allowedHosts: [],
    allowedOrigins: [],
    ...options,
    mcp: take("mcp"),
    sse: take("sse"),
  });
  await door.listen();
}
beforeEach(() => open());
afterEach(() => door.close(0));

const bearer = { authorization: "Bearer secret" };

async function reopen(options: Parameters<typeof open>[0]): Promise<void> {
  await door.close(0);
  await open(options);
}

const post = (body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${door.url()}/v1/tools/call`, {
    method: "POST",
    headers: { ...bearer, "content-type": "application/json", ...headers },
    body: body as string,
  });

const send = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  sendRequest({ port, path, headers, method });

const upgrade = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

describe("Host and Origin", () => {
  const places: [string, Record<string, string>][] = [
    ["/v1/tools", {}],
    ["/v1/health", {}],
    ["/d/notes/a.md", {}],
    ["/mcp", {}],
    ["/sse/", {}],
    ["/v1/connector", upgrade],
  ];

  test.each(places)("a foreign one is refused at %s", async (path, extra) => {
    const foreign: Record<string, string>[] = [
      { host: "evil.test" },
      { host: `127.0.0.1.evil.test:${port}` },
      { host: "localhost@evil.test" },
      { origin: "https://evil.test" },
      { origin: "null" },
      { origin: `http://127.0.0.1:${port + 1}` },
      { origin: `http://localhost:${port}` },
    ];
    for (const headers of foreign) {
      const { status, body } = await send(path, { host: `127.0.0.1:${port}`, ...bearer, ...extra, ...headers });
      expect(status, JSON.stringify(headers)).toBe(403);
      expect(JSON.parse(body)).toMatchObject({ ok: false, code: "PERMISSION_DENIED", auditId: expect.any(String) });
    }
    expect(raw).toEqual([]);
    expect(corridor.passed.every(({ kind }) => kind === "refused")).toBe(true);
  });

  test.each(places)("the server's own are fine at %s", async (path, extra) => {
    await reopen({
      publicUrl: "https://notes.example:8443",
      allowedHosts: ["nas:8088"],
      allowedOrigins: ["https://a.b/"],
    });
    for (const headers of [
      { host: "localhost:1" },
      { host: "[::1]:8088" },
      { host: "NAS" },
      { host: "notes.example", origin: "https://notes.example:8443" },
      { host: "127.0.0.1", origin: "https://a.b" },
      { host: "127.0.0.1:8088", origin: "http://127.0.0.1:8088" },
    ]) {
      const { status } = await send(path, { ...bearer, ...extra, ...headers });
      expect(status, JSON.stringify(headers)).toBeLessThan(400);
    }
  });

  test("two Hosts are one too many, and none is too few", async () => {
    for (const hosts of ["Host: 127.0.0.1\r\nHost: evil.test\r\n", "Host:\r\n"]) {
      expect(await speakRaw(port, `GET /v1/health HTTP/1.1\r\n${hosts}\r\n`), hosts).toMatch(/^HTTP\/1.1 403 /);
    }
    expect(await speakRaw(port, "GET /v1/health HTTP/1.0\r\n\r\n")).toMatch(/^HTTP\/1.1 403 /);
  });
});

describe("the mirror", () => {
  test("answers with the outcome and the status of its code", async () => {
    const good = await post('{"name":"echo","args":{"text":"in"}}');
    expect([good.status, await good.json()]).toMatchObject([200, { ok: true, result: { text: "in" } }]);
    for (const [body, status, code] of [
      ["{", 400, "PARSE_ERROR"],
      ["", 400, "PARSE_ERROR"],
      ["[]", 400, "INVALID_PARAMS"],
      ["null", 400, "INVALID_PARAMS"],
      ['{"name":1}', 400, "INVALID_PARAMS"],
      ['{"name":"echo","extra":1}', 400, "INVALID_PARAMS"],
      ['{"name":"echo","__proto__":{"args":{}}}', 400, "INVALID_PARAMS"],
      ['{"name":"echo","args":{"odd":1}}', 400, "VALIDATION_ERROR"],
      ['{"name":"no.such","args":{}}', 404, "NOT_FOUND"],
      ['{"name":"barred","args":{}}', 403, "PERMISSION_DENIED"],
      [`{"name":"echo","args":{"text":"${"x".repeat(5_000_000)}"}}`, 413, "TOO_LARGE"],
    ] as const) {
      const answer = await post(body);
      expect(answer.status, body.slice(0, 60)).toBe(status);
      expect(await answer.json()).toMatchObject({ ok: false, code, auditId: expect.any(String) });
    }
  });

  test("refuses bytes that are not UTF-8 instead of replacing them", async () => {
    const answer = await post(
      Buffer.concat([Buffer.from('{"name":"echo","args":{"text":"'), Buffer.from([0xff]), Buffer.from('"}}')]),
    );
    expect([answer.status, await answer.json()]).toMatchObject([400, { code: "PARSE_ERROR" }]);
  });

  test("says when to come back", async () => {
    const answer = await post('{"name":"tired","args":{}}');
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "2"]);
  });

  test("knows tokens from the Authorization header alone, and strictly", async () => {
    const body = '{"name":"echo","args":{"text":"in"}}';
    for (const authorization of [
      "",
      "Bearer",
      "Bearer  secret",
      "Bearer secret extra",
      "Basic secret",
      "secret",
      "Bearer wrong",
    ]) {
      const answer = await post(body, { authorization });
      expect(answer.status, authorization).toBe(401);
      expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer realm=/);
    }
    for (const query of ["?access_token=secret", "?token=secret", "?authorization=Bearer%20secret"]) {
      expect((await send(`/v1/tools${query}`)).status, query).toBe(401);
    }
    expect((await send("/v1/tools", { cookie: "portcullis_session=secret" })).status).toBe(401);
    expect((await post(body, { authorization: "bearer secret" })).status).toBe(200);
    expect((await post("[]", { authorization: "Bearer wrong" })).status).toBe(401);
  });

  test("withdraws the call of a client that has gone", async () => {
    const gone = new AbortController();
    const call = fetch(`${door.url()}/v1/tools/call`, {
      method: "POST",
      headers: { ...bearer, "content-type": "application/json" },
      body: '{"name":"wait","args":{}}',
      signal: gone.signal,
    }).catch(() => {});
    setTimeout(() => gone.abort(), 100);
    await call;
    await expect.poll(() => withdrawn).toBe(true);
  });

  test("health is open, and tells life apart from readiness", async () => {
    expect((await send("/v1/health")).status).toBe(200);
    corridor.health = () => ({ live: true, ready: false, faults: ["full"], version: "0" });
    expect((await send("/v1/health")).status).toBe(503);
    expect((await send("/v1/health?live")).status).toBe(200);
  });

  test.each([
    ["GET", "/nowhere", 404, undefined],
    ["GET", "/v1/%zz", 400, undefined],
    ["PUT", "/v1/tools", 405, "GET, HEAD"],
    ["DELETE", "/v1/tools/call", 405, "POST"],
    ["POST", "/d/notes/a.md", 405, "GET, HEAD"],
  ])("%s %s is refused with %i", async (method, path, status, allow) => {
    const answer = await send(path, bearer, method);
    expect([answer.status, answer.headers.allow]).toEqual([status, allow]);
    expect(JSON.parse(answer.body)).toMatchObject({ ok: false, auditId: expect.any(String) });
  });

  test("takes JSON and nothing else", async () => {
    expect((await post("name=echo", { "content-type": "text/plain" })).status).toBe(415);
  });

  test("bytes that are no HTTP, and headers without end, are told so", async () => {
    expect(await speakRaw(port, "nonsense\r\n\r\n")).toMatch(/^HTTP\/1.1 400 [\s\S]*PARSE_ERROR/);
    expect(await speakRaw(port, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"y".repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 431 /,
    );
  });

  test("an offer of HTTP/2 is answered as if it had not been made", async () => {
    expect((await send("/v1/health", { connection: "Upgrade", upgrade: "h2c" })).status).toBe(200);
  });

  test("is described by a valid OpenAPI document, from the schemas that are in use", async () => {
    const document = JSON.parse((await send("/openapi.json")).body);
    expect(await new Validator().validate(document)).toMatchObject({ valid: true });
    const { $id: _, ...schema } = JSON.parse(JSON.stringify(ToolCall));
    expect(document.components.schemas.ToolCall).toMatchObject({ properties: { name: schema.properties.name } });
    expect(JSON.stringify(document)).not.toContain('"$id"');
    for (const [path, operations] of Object.entries<Json>(document.paths)) {
      for (const method of Object.keys(operations)) {
        expect((await send(path, bearer, method.toUpperCase())).status, `${method} ${path}`).not.toBe(404);
      }
    }
  });
});

describe("MCP's paths", () => {
  test("reach their handlers with the body unread", async () => {
    for (const path of ["/mcp", "/mcp/", "/mcp?x=1", "/sse", "/sse/", "/sse/message?sessionId=1"]) {
      const answer = await fetch(door.url() + path, { method: "POST", headers: bearer, body: "{ not read" });
      expect(await answer.text(), path).toBe("taken");
    }
    const wanted = ["mcp", "mcp", "mcp", "sse", "sse", "sse"].map((name) => `${name} POST token { not read`);
    expect(raw).toEqual(wanted);
    expect((await send("/mcpx")).status).toBe(404);
  });
});

describe("permalinks", () => {
  const page = { accept: "text/html,*/*" };
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const login = (fields: Record<string, string>): Promise<Response> =>
    fetch(`${door.url()}/d/-/login`, {
      method: "POST",
      redirect: "manual",
      headers: form,
      body: new URLSearchParams(fields).toString(),
    });

  test("give a program the document, and a browser an inert page", async () => {
    const answer = await send("/d/notes/%C3%A4%20b.md", bearer);
    expect(JSON.parse(answer.body)).toMatchObject({ id: "notes/%C3%A4%20b.md" });
    expect(corridor.passed.at(-1)?.arrival).toMatchObject({
      door: "permalink",
      trace: { purpose: "open a cited document" },
    });
    const shown = await send("/d/notes/a.md", { ...bearer, ...page });
    expect(shown.headers["content-security-policy"]).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'/,
    );
    expect(shown.headers["x-content-type-options"]).toBe("nosniff");
    expect(shown.body).toContain("<pre>\n\n&lt;script&gt;alert(1)&lt;/script&gt; &amp; notes/a.md</pre>");
    expect(shown.body).toContain("<title>About &lt;b&gt;</title>");
    expect(shown.body).not.toMatch(/<script|<b>| on\w+=/);
  });

  test("ask a browser for a token once, and keep a session instead of it", async () => {
    const asked = await send("/d/notes/a.md?x=%22%3E%3Cscript%3E", page);
    expect(asked.status).toBe(401);
    expect(asked.body).toContain('action="/d/-/login"');
    expect(asked.body).not.toContain("<script");
    const entered = await login({ token: "secret", next: "/d/notes/a.md" });
    expect([entered.status, entered.headers.get("location")]).toEqual([303, "/d/notes/a.md"]);
    const cookie = entered.headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(/^portcullis_session=[^;]+; Path=\/d\/; HttpOnly; SameSite=Strict; Max-Age=900(, |$)/);
    expect(cookie).not.toContain("secret");
    const own = { ...page, cookie: `a=b; ${cookie.split(";", 1)[0]}; c=d` };
    const shown = await send("/d/notes/a.md", own);
    expect(shown.status).toBe(200);
    expect(shown.headers["set-cookie"]?.[0]).toMatch(/^portcullis_session=/);
    // A header that names another caller is not overruled by the cookie.
    expect((await send("/d/notes/a.md", { ...own, authorization: "Bearer wrong" })).status).toBe(401);
    expect((await send("/v1/tools", own)).status).toBe(401);
    corridor.tokens.delete("secret");
    expect((await send("/d/notes/a.md", own)).status).toBe(401);
  });

  test("refuse a wrong token, and lead nowhere else", async () => {
    const wrong = await login({ token: "wrong", next: "/d/a" });
    expect([wrong.status, wrong.headers.get("set-cookie")]).toEqual([401, null]);
    for (const next of ["//evil.test", "https://evil.test", "/d//evil.test", "/d/\\evil.test", "/mcp", "/d/a b", ""]) {
      expect((await login({ token: "secret", next })).headers.get("location"), next).toBe("/");
    }
  });

  test("ask for the page once more where a link of another site led to it", async () => {
    const cross = await send("/d/notes/a.md", { ...page, "sec-fetch-site": "cross-site" });
    expect(cross.body).toContain('<meta http-equiv="refresh" content="0">');
    const own = await send("/d/notes/a.md", { ...page, "sec-fetch-site": "same-origin" });
    expect(own.body).not.toContain("http-equiv");
  });

  test("keep the cookie on TLS where that is how browsers come", async () => {
    await reopen({ publicUrl: "https://notes.example" });
    const { headers } = await new Promise<Response>((resolve, reject) => {
      fetch(`http://127.0.0.1:${port}/d/-/login`, {
        method: "POST",
        redirect: "manual",
        headers: form,
        body: "token=secret",
      }).then(resolve, reject);
    });
    expect(headers.get("set-cookie")).toMatch(/; Secure$/);
  });
});

test("login servers of others are told who Portcullis is, where it has a public https URL", async () => {
  const path = "/.well-known/portcullis-client.json";
  await reopen({ publicUrl: "https://notes.example/" });
  const answer = await fetch(`http://127.0.0.1:${port}${path}`);
  expect(answer.headers.get("content-type")).toContain("application/json");
  expect(await answer.json()).toMatchObject({
    client_id: `https://notes.example${path}`,
    redirect_uris: ["http://127.0.0.1/callback"],
    token_endpoint_auth_method: "none",
  });
  for (const publicUrl of ["http://127.0.0.1:1", undefined]) {
    await reopen(publicUrl === undefined ? {} : { publicUrl });
    expect((await fetch(`http://127.0.0.1:${port}${path}`)).status).toBe(404);
  }
});

describe("listening", () => {
  test("a port in use is told with its code", async () => {
    const second = createHttpDoor({
      corridor,
      host: "127.0.0.1",
      port,
      allowedHosts: [],
      allowedOrigins: [],
      mcp: async () => {},
      sse: async () => {},
    });
    await expect(second.listen()).rejects.toMatchObject({ code: "EADDRINUSE" });
    expect((await send("/v1/health")).status).toBe(200);
  });

  test("closing lets a running call be answered", async () => {
    const answer = post('{"name":"wait","args":{}}');
    await new Promise((resolve) => setTimeout(resolve, 100));
    const closing = door.close(5_000);
    setTimeout(finish, 100);
    expect((await answer).status).toBe(200);
    const started = performance.now();
    await closing;
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  test("closing does not wait longer than it was told to", async () => {
    const answer = post('{"name":"wait","args":{}}').catch(() => "cut off");
    await new Promise((resolve) => setTimeout(resolve, 100));
    const started = performance.now();
    await door.close(200);
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(await answer).toBe("cut off");
  });
});
