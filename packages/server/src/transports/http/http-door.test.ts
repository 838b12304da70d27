import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { ToolCall } from "@portcullis/contracts";
import { Validator } from "@seriousme/openapi-schema-validator";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createFakeCorridor, fakeTool } from "../../../../../test/support/fake-corridor.ts";
import { type SessionCorridor, withSessions } from "../../../../../test/support/session-corridor.ts";
import { checkBind } from "./check-bind.ts";
import { createHttpDoor, type HttpDoor } from "./http-door.ts";

// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever was answered
type Json = any;

let corridor: SessionCorridor;
let door: HttpDoor;
let raw: string[] = [];
let finish: () => void = () => {};
let withdrawn = false;

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
        fakeTool("fetch", ["id"], ({ id }) => ({ id, title: `About <b>`, text: `\n<script>alert(1)</script> & ${id}` })),
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
  door = createHttpDoor({
    corridor,
    host: "127.0.0.1",
    port: 0,
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
const port = (): number => Number(new URL(door.url()).port);

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

interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** A request whose Host and Origin are whatever is wanted: fetch would not send them. */
const send = (path: string, headers: Record<string, string | string[]> = {}, method = "GET"): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const read = (response: IncomingMessage): void => {
      let body = "";
      response.on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    };
    const request = httpRequest({ port: port(), host: "127.0.0.1", path, method, headers, agent: false }, read);
    request.once("upgrade", (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: "" });
    });
    request.once("error", reject);
    request.end();
  });

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
      { host: `127.0.0.1.evil.test:${port()}` },
      { host: "localhost@evil.test" },
      { host: "" },
      { origin: "https://evil.test" },
      { origin: "null" },
      { origin: `http://127.0.0.1:${port() + 1}` },
      { origin: `http://localhost:${port()}` },
    ];
    for (const headers of foreign) {
      const { status, body } = await send(path, { host: `127.0.0.1:${port()}`, ...bearer, ...extra, ...headers });
      expect(status, JSON.stringify(headers)).toBe(403);
      expect(JSON.parse(body)).toMatchObject({ ok: false, code: "PERMISSION_DENIED", auditId: expect.any(String) });
    }
    expect(raw).toEqual([]);
    expect(corridor.passed.every(({ kind }) => kind === "refused")).toBe(true);
  });

  test.each(places)("the server's own are fine at %s", async (path, extra) => {
    await reopen({ publicUrl: "https://notes.example:8443", allowedHosts: ["nas:8088"], allowedOrigins: ["https://a.b/"] });
    const { server } = door as Json;
    expect(server).toBeUndefined();
    const listening = (await openPort()) as number;
    for (const headers of [
      { host: "localhost:1" },
      { host: "[::1]:8088" },
      { host: "NAS" },
      { host: "notes.example", origin: "https://notes.example:8443" },
      { host: "127.0.0.1", origin: "https://a.b" },
      { host: "127.0.0.1:8088", origin: "http://127.0.0.1:8088" },
    ]) {
      const status = await statusAt(listening, path, { ...bearer, ...extra, ...headers });
      expect(status, JSON.stringify(headers)).toBeLessThan(400);
    }
  });
});
