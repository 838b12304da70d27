import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openLibrary } from "../../../../../test/conformance/mcp/library.ts";
import type { FakeCorridor } from "../../../../../test/support/fake-corridor.ts";
import { createMcpHttp, type McpHttp } from "./http.ts";
import type { Profile } from "./visit.ts";

let library: FakeCorridor;
let mcp: McpHttp;
let server: Server;
let url: string;
const time = 0;

async function open(profile: Profile = "full"): Promise<void> {
  library = openLibrary({ secret: "duck", other: "goose" });
  const sessions = { total: 4, perGrant: 3, idleMs: 1_000, lifetimeMs: 1_000_000 };
  mcp = createMcpHttp({ corridor: library, profile, now: () => time, sessions });
  server = createServer((request, response) => {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    void mcp.handle(request, response, {
      credential: token === undefined ? { kind: "none" } : { kind: "token", token },
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
}
async function close(): Promise<void> {
  await mcp.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
beforeEach(() => open());
afterEach(close);

interface Said {
  readonly token?: string | undefined;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}
// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever was answered
type Json = any;

function post(body: unknown, { token = "secret", headers = {}, signal }: Said = {}): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}`, ...headers },
    body: typeof body === "string" || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
    ...(signal && { signal }),
  });
}

const clientInfo = { name: "tester", version: "1" };
const envelope = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
  "io.modelcontextprotocol/clientInfo": clientInfo,
};

function modern(
  method: string,
  params: Record<string, unknown> = {},
  said: Said & { readonly id?: number } = {},
): Promise<Response> {
  const { _meta, ...rest } = params;
  const name = typeof params.name === "string" ? { "mcp-name": params.name } : {};
  const headers = { "mcp-protocol-version": "2026-07-28", "mcp-method": method, ...name, ...said.headers };
  const body = {
    jsonrpc: "2.0",
    id: said.id ?? 1,
    method,
    params: { ...rest, _meta: { ...envelope, ...(_meta as object) } },
  };
  return post(body, { ...said, headers });
}

const initialize = (protocolVersion = "2025-11-25") => ({
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: { protocolVersion, capabilities: {}, clientInfo },
});

async function openSession(protocolVersion?: string, token?: string): Promise<string> {
  const response = await post(initialize(protocolVersion), { token });
  expect(response.status).toBe(200);
  return response.headers.get("mcp-session-id") ?? "";
}

const within = (session: string, said: Said = {}): Said => ({
  ...said,
  headers: { "mcp-session-id": session, ...said.headers },
});
const call = (id: unknown, name: string, args: object = {}) => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name, arguments: args },
});
const json = async (response: Promise<Response> | Response): Promise<Json> => (await response).json();

const calls = () => library.passed.flatMap(({ kind, arrival }) => (kind === "call" && arrival ? [arrival] : []));
const isRecorded = (answer: Json): boolean =>
  library.passed.some(({ auditId }) => auditId === answer.error.data.auditId);

test("a stranger is challenged as RFC 6750 says, and recorded", async () => {
  const none = await fetch(url, { method: "POST", body: "{}", headers: { "content-type": "application/json" } });
  expect([none.status, none.headers.get("www-authenticate")]).toEqual([401, 'Bearer realm="portcullis"']);
  const wrong = await modern("tools/list", {}, { token: "guessed" });
  expect(wrong.headers.get("www-authenticate")).toContain('error="invalid_token"');
  const answer = await json(wrong);
  expect(answer.error.data.code).toBe("UNAUTHENTICATED");
  expect(isRecorded(answer)).toBe(true);
  expect(calls()).toEqual([]);
});

test.each(["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])(
  "a session of %s lists and calls",
  async (revision) => {
    const opened = await post(initialize(revision));
    expect((await json(opened)).result.protocolVersion).toBe(revision);
    const session = opened.headers.get("mcp-session-id") ?? "";
    expect((await post({ jsonrpc: "2.0", method: "notifications/initialized" }, within(session))).status).toBe(202);
    const { result } = await json(post(call(1, "search", { query: "plants" }), within(session)));
    expect(JSON.parse(result.content[0].text)).toEqual(result.structuredContent);
    expect(result._meta["portcullis/outcome"]).toMatchObject({ ok: true, auditId: expect.any(String) });
    expect(calls()[0]).toMatchObject({ door: "mcp-http", client: clientInfo, defaultPurpose: "use by tester" });
  },
);

test("both eras answer a call with the same result", async () => {
  const session = await openSession();
  const legacy = await json(post(call(1, "search", { query: "plants" }), within(session)));
  const newest = await json(modern("tools/call", { name: "search", arguments: { query: "plants" } }));
  expect(newest.result.structuredContent).toEqual(legacy.result.structuredContent);
  expect(newest.result.resultType).toBe("complete");
});

test("a purpose is taken from the argument, else from _meta, and never reaches the tool", async () => {
  await modern("tools/call", {
    name: "search",
    arguments: { query: "a", purpose: "stated" },
    _meta: { "portcullis/purpose": "meta", "portcullis/turn": "t1" },
  });
  await modern("tools/call", { name: "search", arguments: { query: "a" }, _meta: { "portcullis/purpose": "meta" } });
  await modern("tools/call", { name: "search", arguments: { query: "a" } });
  expect(calls().map(({ args, trace }) => [args, trace])).toEqual([
    [{ query: "a" }, { purpose: "stated", turn: "t1" }],
    [{ query: "a" }, { purpose: "meta" }],
    [{ query: "a" }, {}],
  ]);
});

test("tools go by names that every client takes", async () => {
  const { result } = await json(modern("tools/list"));
  for (const tool of result.tools) {
    expect(tool.name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
    expect(tool.inputSchema.properties).toHaveProperty("purpose");
    expect(tool.annotations.readOnlyHint).toBe(true);
  }
  await modern("tools/call", { name: "fs_stat", arguments: { path: "x" } });
  expect(calls()[0]?.name).toBe("fs.stat");
});

test("the chatgpt profile has search and fetch alone, with one argument each", async () => {
  await close();
  await open("chatgpt");
  const { result } = await json(modern("tools/list"));
  expect(result.tools.map(({ name, inputSchema }: Json) => [name, Object.keys(inputSchema.properties)])).toEqual([
    ["search", ["query"]],
    ["fetch", ["id"]],
  ]);
  const hidden = await json(modern("tools/call", { name: "fs_stat", arguments: { path: "x" } }));
  expect(hidden.error).toMatchObject({ code: -32_602, data: { code: "NOT_FOUND" } });
  expect(isRecorded(hidden)).toBe(true);
  expect(calls()).toEqual([]);
  const discovered = await json(modern("server/discover"));
  expect(discovered.result.instructions).not.toContain("stat");
});

test("an unknown tool is the protocol's error, any other refusal one that a model can read", async () => {
  const unknown = await json(modern("tools/call", { name: "fs_nothing", arguments: {} }));
  expect(unknown.error).toMatchObject({ code: -32_602, data: { code: "NOT_FOUND", details: { tool: "fs.nothing" } } });
  const { result } = await json(modern("tools/call", { name: "fetch", arguments: { id: "gone" } }));
  expect(result.isError).toBe(true);
  expect(result).not.toHaveProperty("structuredContent");
  expect(result.content[0].text).toMatch(/^NOT_FOUND: .*\nNext: Search first.*\nAudit id: A\d+\.\n\{/s);
  expect(result._meta["portcullis/outcome"]).toMatchObject({ ok: false, code: "NOT_FOUND", details: { id: "gone" } });
});

test.each([
  ["bytes that are not UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 400, -32_700],
  ["text that is not JSON", "{", 400, -32_700],
  ["nothing", "", 400, -32_700],
  ["a number", "1", 400, -32_600],
  ["null", "null", 400, -32_600],
  ["an object that is no request", '{"hello":1}', 400, -32_600],
  ["another version of JSON-RPC", '{"jsonrpc":"1.0","method":"ping"}', 400, -32_600],
  ["an id that is an object", '{"jsonrpc":"2.0","id":{},"method":"ping"}', 400, -32_600],
  ["an empty batch", "[]", 400, -32_600],
  ["a body over the limit", `"${"x".repeat(4 * 1024 * 1024)}"`, 413, -32_005],
])("%s is refused with its code, and recorded", async (_what, body, status, code) => {
  const response = await post(body);
  expect(response.status).toBe(status);
  const answer = await json(response);
  expect(answer).toMatchObject({ jsonrpc: "2.0", id: null, error: { code } });
  expect(isRecorded(answer)).toBe(true);
});

test("bytes that are not UTF-8 never reach a tool with replacement characters", async () => {
  const text = JSON.stringify({
    ...call(1, "search", { query: "@" }),
    params: { name: "search", arguments: { query: "@" }, _meta: envelope },
  });
  const bytes = Buffer.from(text);
  bytes[bytes.indexOf(0x40)] = 0xff;
  await post(bytes, {
    headers: { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "search" },
  });
  expect(calls()).toEqual([]);
});

test("a header that does not match its body is the SDK's error, recorded", async () => {
  const answer = await json(
    modern("tools/call", { name: "search", arguments: { query: "a" } }, { headers: { "mcp-name": "fetch" } }),
  );
  expect(answer.error.code).toBe(-32_020);
  expect(isRecorded(answer)).toBe(true);
  expect(calls()).toEqual([]);
});

test("a method that does not exist is refused in both eras, and recorded", async () => {
  const session = await openSession();
  for (const response of [post({ jsonrpc: "2.0", id: 1, method: "no/such" }, within(session)), modern("no/such")]) {
    const answer = await json(response);
    expect(answer.error).toMatchObject({ code: -32_601, data: { code: "METHOD_NOT_FOUND" } });
    expect(isRecorded(answer)).toBe(true);
  }
});

test("batches are taken by the revisions that know them, and refused by the others", async () => {
  const batch = [
    call(1, "search", { query: "a" }),
    { jsonrpc: "2.0", method: "notifications/initialized" },
    call("1", "fs_stat", { path: "x" }),
  ];
  const old = await json(post(batch, within(await openSession("2025-03-26"))));
  expect(old.map(({ id, result }: Json) => [id, result.isError ?? false]).sort()).toEqual(
    [
      [1, false],
      ["1", false],
    ].sort(),
  );
  const refused = await post(batch, within(await openSession("2025-06-18")));
  expect([refused.status, (await json(refused)).error.code]).toEqual([400, -32_600]);
  expect(calls()).toHaveLength(2);
  const twice = await post(
    [call(1, "search", { query: "a" }), call(1, "search", { query: "b" })],
    within(await openSession("2025-03-26")),
  );
  expect(twice.status).toBe(400);
  const many = Array.from({ length: 101 }, (_, id) => call(id, "search", { query: "a" }));
  expect((await post(many, within(await openSession("2025-03-26")))).status).toBe(400);
  expect(calls()).toHaveLength(2);
});

test("a session belongs to the token that opened it, and ends when it is deleted", async () => {
  const session = await openSession();
  expect((await post(call(1, "search", { query: "a" }), within(session, { token: "other" }))).status).toBe(404);
  const end = (token: string) =>
    fetch(url, { method: "DELETE", headers: { authorization: `Bearer ${token}`, "mcp-session-id": session } });
  expect((await end("other")).status).toBe(404);
  expect((await post(call(2, "search", { query: "a" }), within(session))).status).toBe(200);
  expect((await end("secret")).status).toBe(200);
  expect((await post(call(3, "search", { query: "a" }), within(session))).status).toBe(404);
  expect((await post(call(4, "search", { query: "a" }))).status).toBe(400);
});

test("a revoked token ends its sessions at once", async () => {
  const session = await openSession();
  library.tokens.delete("secret");
  expect((await post(call(1, "search", { query: "a" }), within(session))).status).toBe(401);
});

test("sessions are bounded for a token, which gives up its own longest unused one", async () => {
  const others = await openSession(undefined, "other");
  const own = [];
  for (let n = 0; n < 4; n++) own.push(await openSession());
  const statuses = [];
  for (const session of own) statuses.push((await post(call(1, "search", { query: "a" }), within(session))).status);
  expect(statuses).toEqual([404, 200, 200, 200]);
  expect((await post(call(1, "search", { query: "a" }), within(others, { token: "other" }))).status).toBe(200);
});

test("progress is streamed to a client that asked for it, before the answer", async () => {
  const session = await openSession();
  const params = { name: "work_progress", arguments: { steps: "2" }, _meta: { progressToken: "p" } };
  for (const response of [
    post({ jsonrpc: "2.0", id: 1, method: "tools/call", params }, within(session)),
    modern("tools/call", params),
  ]) {
    const answered = await response;
    expect(answered.headers.get("content-type")).toBe("text/event-stream");
    const messages = [...(await answered.text()).matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? ""));
    expect(messages.map(({ method, params: told }) => [method, told?.progress])).toEqual([
      ["notifications/progress", 1],
      ["notifications/progress", 2],
      [undefined, undefined],
    ]);
  }
  const plain = await modern("tools/call", params, { headers: { accept: "application/json" } });
  expect(plain.headers.get("content-type")).toBe("application/json");
});

const eventually = async (holds: () => boolean): Promise<void> => {
  const end = performance.now() + 5_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error("It did not happen within 5 s.");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

test("a cancelled call is stopped: by its notification in a session, by leaving in the newest revision", async () => {
  const session = await openSession();
  const waiting = post(call(7, "work_wait", { ms: "1" }), within(session));
  // It has arrived once its id is taken.
  await eventually(() => library.passed.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect((await post(call(7, "search", { query: "a" }), within(session))).status).toBe(400);
  await post({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 7 } }, within(session));
  expect((await json(waiting)).error.data.code).toBe("CANCELLED");
  const ended = () =>
    library.passed.filter(({ name, outcome }) => name === "work.wait" && outcome && !outcome.ok).length;
  await eventually(() => ended() === 1);

  const leave = new AbortController();
  const left = modern("tools/call", { name: "work_wait", arguments: { ms: "1" } }, { signal: leave.signal }).catch(
    () => undefined,
  );
  await new Promise((resolve) => setTimeout(resolve, 100));
  leave.abort();
  await left;
  await eventually(() => ended() === 2);
});

test("a client that sends half a body and leaves harms nobody", async () => {
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, "127.0.0.1");
  socket.write(
    "POST /mcp HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  socket.destroy();
  await eventually(() => library.passed.some(({ outcome }) => outcome && !outcome.ok && outcome.code === "CANCELLED"));
  expect((await modern("tools/list")).status).toBe(200);
});

test("hostile keys change no prototype", async () => {
  const text = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search","arguments":{"query":"a","__proto__":{"polluted":1}},"_meta":${JSON.stringify(envelope)}}}`;
  await post(text, {
    headers: { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "search" },
  });
  expect(({} as Json).polluted).toBeUndefined();
});

test("deep nesting is answered, not crashed on", async () => {
  const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
  const text = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"fs_stat","arguments":{"path":${deep}},"_meta":${JSON.stringify(envelope)}}}`;
  const headers = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "fs_stat" };
  const response = await post(text, { headers });
  expect(response.status).toBeLessThan(600);
  expect((await modern("tools/list")).status).toBe(200);
});

test("a body is read up to its bound, whatever it announces, and a packed one not at all", async () => {
  const piece = Buffer.alloc(64 * 1024, "x");
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += piece.length;
      if (sent > 64 * 1024 * 1024) controller.close();
      else controller.enqueue(piece);
    },
  });
  const headers = { "content-type": "application/json", authorization: "Bearer secret" };
  const asked = { method: "POST", headers, body: endless, duplex: "half" } as const;
  // Who sends on is cut off, perhaps before the answer has been read.
  const answer = await fetch(url, asked).then(
    (response) => response.text(),
    () => "TOO_LARGE",
  );
  expect(answer).toContain("TOO_LARGE");
  expect(sent).toBeLessThan(32 * 1024 * 1024);
  const packed = await post("{}", { headers: { "content-encoding": "gzip" } });
  expect(await packed.text()).toContain("content-encoding");
});
