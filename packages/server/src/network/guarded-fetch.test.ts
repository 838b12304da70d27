import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from "node:net";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { CallError, type Code } from "@portcullis/contracts";
import { afterEach, expect, test } from "vitest";
import type { Reach } from "./find-addresses.ts";
import { createGuardedFetch, type GuardedFetchOptions, type GuardedRequest } from "./guarded-fetch.ts";
import type { Dial } from "./pinned-connector.ts";

const publicAddress = "93.184.215.14";
const open: (Server | TcpServer)[] = [];
const sockets = new Set<Socket>();

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of open.splice(0)) server.close();
});

async function listen(server: Server | TcpServer): Promise<number> {
  open.push(server);
  server.on("connection", (socket: Socket) => {
    sockets.add(socket.on("error", () => {}).on("close", () => sockets.delete(socket)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

interface World {
  readonly port: number;
  readonly requests: IncomingMessage[];
}

async function serve(listener: RequestListener): Promise<World> {
  const requests: IncomingMessage[] = [];
  const port = await listen(
    createServer((request, response) => {
      requests.push(request);
      response.setHeader("content-type", "text/plain");
      listener(request, response);
    }),
  );
  return { port, requests };
}

/** A server that sends the bytes it is given, as they are, once a request has come. */
const serveRaw = (send: (socket: Socket) => void): Promise<number> =>
  listen(createTcpServer((socket) => socket.once("data", () => send(socket))));

function flood(socket: Socket, chunk: string | Buffer): void {
  while (!socket.destroyed && socket.write(chunk));
  if (!socket.destroyed) socket.once("drain", () => flood(socket, chunk));
}

/** Every name with `.test` is at home on loopback, as the owner's list of private hosts says. */
const atHome: GuardedFetchOptions = { lookup: async () => ["127.0.0.1"], privateHosts: ["a.test:*", "b.test:*"] };

/** A socket to a loopback server that calls itself the public address: the network as seen from a machine that is on it. */
const asPublic: Dial = (address, port) => {
  const socket = connect(port, "127.0.0.1");
  Object.defineProperty(socket, "remoteAddress", { value: address });
  return socket;
};

const anywhere = (): Reach => "public";

async function refusal(
  options: GuardedFetchOptions,
  request: Omit<GuardedRequest, "reach"> & Partial<GuardedRequest>,
): Promise<CallError> {
  try {
    const { status, body } = await createGuardedFetch(options)({ reach: anywhere, ...request });
    throw new Error(`It answered ${status} ${Buffer.from(body)}`);
  } catch (error) {
    if (error instanceof CallError) return error;
    throw error;
  }
}

test("a site's error is an answer, with its body", async () => {
  const { port } = await serve((_, response) => response.writeHead(404).end("nothing here"));
  const answer = await createGuardedFetch(atHome)({ url: `http://a.test:${port}/x`, reach: anywhere });
  expect([answer.status, String(Buffer.from(answer.body)), answer.redirects]).toEqual([404, "nothing here", []]);
});

test.each([
  ["gzip", gzipSync],
  ["br", brotliCompressSync],
  ["deflate", deflateSync],
  ["deflate", deflateRawSync],
])("a body in %s is unpacked, and one that unpacks to too much is not", async (encoding, pack) => {
  const { port } = await serve(({ url }, response) => {
    response.setHeader("content-encoding", encoding).end(pack(url === "/bomb" ? Buffer.alloc(50_000_000) : "hello"));
  });
  const fetch = createGuardedFetch(atHome);
  const { body } = await fetch({ url: `http://a.test:${port}/`, reach: anywhere });
  expect(String(Buffer.from(body))).toBe("hello");
  expect(await refusal(atHome, { url: `http://a.test:${port}/bomb` })).toMatchObject({
    code: "TOO_LARGE",
    details: { reason: "body" },
  });
});

test("the way is asked for at every hop, with the method that will be sent", async () => {
  const { port, requests } = await serve(({ url }, response) => {
    if (url === "/start") response.writeHead(302, { location: "/end" }).end("x".repeat(10_000));
    else response.end("done");
  });
  const asked: string[] = [];
  const answer = await createGuardedFetch(atHome)({
    url: `http://a.test:${port}/start`,
    method: "POST",
    body: "secret",
    headers: { "Content-Type": "text/plain" },
    reach: (url, method) => {
      asked.push(`${method} ${url.pathname}`);
      return "public";
    },
  });
  expect(asked).toEqual(["POST /start", "GET /end"]);
  expect(answer.redirects).toEqual([`http://a.test:${port}/end`]);
  expect(requests[1]?.headers["content-type"]).toBeUndefined();
});

test("a redirect to where policy does not lead is refused before it is followed", async () => {
  const { port, requests } = await serve((_, response) => response.writeHead(302, { location: "/secret" }).end());
  const error = await refusal(atHome, {
    url: `http://a.test:${port}/start`,
    reach: ({ pathname }) => (pathname === "/start" ? "public" : "closed"),
  });
  expect(error).toMatchObject({
    code: "PERMISSION_DENIED",
    details: { reason: "redirect_policy", hop: 1, url: `http://a.test:${port}/secret` },
  });
  expect(requests).toHaveLength(1);
});

test("across origins no header travels that could hold a secret, and no body", async () => {
  const end = await serve((_, response) => response.end("done"));
  const start = await serve(({ url }, response) => {
    const status = Number(url?.slice(1));
    response.writeHead(status, { location: `http://b.test:${end.port}/`, "set-cookie": "id=1" }).end();
  });
  const headers = {
    authorization: "Bearer x",
    "x-api-key": "k",
    accept: "text/plain",
    "accept-language": "de",
    "user-agent": "t",
  };
  await createGuardedFetch(atHome)({ url: `http://a.test:${start.port}/302`, headers, reach: anywhere });
  expect(Object.keys(end.requests[0]?.headers ?? {}).sort()).toEqual([
    "accept",
    "accept-encoding",
    "accept-language",
    "connection",
    "host",
    "user-agent",
  ]);
  const error = await refusal(atHome, { url: `http://a.test:${start.port}/307`, method: "POST", body: "secret" });
  expect(error.details?.reason).toBe("redirect_body");
  expect(end.requests).toHaveLength(1);
});

test.each([
  ["http://127.0.0.1:8080/", "redirect_inside"],
  ["http://10.0.0.1/", "redirect_inside"],
  ["http://2130706433/", "redirect_inside"],
  ["http://169.254.169.254/latest", "address"],
  ["http://[::ffff:7f00:1]/", "address"],
  ["http://inside.test/", "address"],
  ["/\\127.0.0.1/", "redirect_url"],
  ["file:///etc/passwd", "redirect_url"],
  ["data:text/plain,x", "redirect_url"],
  ["http://user@a.test/", "redirect_url"],
])("a public site cannot redirect to %s, whatever policy says", async (location, reason) => {
  const { port, requests } = await serve((_, response) => response.writeHead(302, { location }).end());
  const options: GuardedFetchOptions = {
    lookup: async (host) => [host === "inside.test" ? "127.0.0.1" : publicAddress],
    dial: asPublic,
  };
  const error = await refusal(options, { url: `http://site.test:${port}/`, reach: () => "private" });
  expect(error).toMatchObject({ code: "PERMISSION_DENIED", details: { reason } });
  expect(requests).toHaveLength(1);
});

test.each([
  ["one private answer among public ones", [publicAddress, "127.0.0.1"]],
  ["a private answer of the other family", [publicAddress, "::1"]],
  ["a mapped address", ["::ffff:93.184.215.14"]],
  ["an answer that is no address", ["localhost"]],
])("a name is refused for %s, without connecting", async (_, answers) => {
  let dialled = 0;
  const options: GuardedFetchOptions = {
    lookup: async () => answers,
    dial: (address, port) => {
      dialled++;
      return asPublic(address, port);
    },
  };
  const error = await refusal(options, { url: "http://site.test/", reach: () => "private" });
  expect(error).toMatchObject({ code: "PERMISSION_DENIED", details: { reason: "address" } });
  expect(JSON.stringify([error.message, error.details])).not.toContain("127.0.0.1");
  expect(dialled).toBe(0);
});

test("a name that changes its answer is looked up once, and the judged address is the one connected to", async () => {
  const { port } = await serve((_, response) => response.end("done"));
  const answers = [[publicAddress], ["127.0.0.1"]];
  const dialled: string[] = [];
  const fetch = createGuardedFetch({
    lookup: async () => answers.shift() ?? [],
    dial: (address, at) => {
      dialled.push(address);
      return asPublic(address, at);
    },
  });
  await fetch({ url: `http://site.test:${port}/`, reach: anywhere });
  expect(dialled).toEqual([publicAddress]);
  await expect(fetch({ url: `http://site.test:${port}/`, reach: anywhere })).rejects.toMatchObject({
    details: { reason: "address" },
  });
});

test("a connection that ends up elsewhere than at the judged address carries no byte", async () => {
  let bytes = 0;
  const port = await listen(createTcpServer((socket) => socket.on("data", ({ length }) => (bytes += length))));
  const options: GuardedFetchOptions = {
    lookup: async () => [publicAddress],
    dial: (_, at) => connect(at, "127.0.0.1"),
  };
  for (const scheme of ["http", "https"]) {
    const error = await refusal(options, { url: `${scheme}://site.test:${port}/` });
    expect(error).toMatchObject({ code: "PERMISSION_DENIED", details: { reason: "peer" } });
  }
  expect(bytes).toBe(0);
});

test("a private address opens to a policy that writes it out, and a name only to the owner's list", async () => {
  const { port } = await serve((_, response) => response.end("done"));
  const at = async (options: GuardedFetchOptions, url: string, reach: Reach): Promise<unknown> =>
    createGuardedFetch(options)({ url, reach: () => reach }).then(
      ({ status }) => status,
      (error: CallError) => error.details?.reason,
    );
  const loopback = { lookup: async () => ["127.0.0.1"] };
  expect(await at({}, `http://127.0.0.1:${port}/`, "private")).toBe(200);
  expect(await at({}, `http://127.0.0.1:${port}/`, "public")).toBe("address");
  expect(await at(loopback, `http://localhost:${port}/`, "private")).toBe(200);
  expect(await at(loopback, `http://localhost:${port}/`, "public")).toBe("address");
  expect(await at({ lookup: async () => ["10.0.0.1"] }, `http://localhost:${port}/`, "private")).toBe("address");
  expect(await at(loopback, `http://nas.test:${port}/`, "private")).toBe("address");
  expect(await at({ ...loopback, privateHosts: [`nas.test:${port}`] }, `http://nas.test:${port}/`, "public")).toBe(200);
  expect(await at({ ...loopback, privateHosts: [`nas.test:${port + 1}`] }, `http://nas.test:${port}/`, "private")).toBe(
    "address",
  );
  expect(await at({ privateHosts: ["169.254.169.254:*"] }, "http://169.254.169.254/", "private")).toBe("address");
  expect(await at({}, `http://127.0.0.1:${port}/`, "closed")).toBe("policy");
});

test("an entry of the owner's list that is no host and port is told", () => {
  for (const entry of ["nas.lan", "nas.lan:x", "http://nas.lan:80", "a/b:80", "nas.lan:99999"]) {
    expect(() => createGuardedFetch({ privateHosts: [entry] }), entry).toThrow("not host:port");
  }
});

const head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n";

const floodAfter =
  (start: string, chunk: string | Buffer) =>
  (socket: Socket): void => {
    socket.write(start);
    flood(socket, chunk);
  };
const sendAll = (text: string) => (socket: Socket) => void socket.end(text);
const trickle = (socket: Socket): void => {
  socket.write(`${head}x: `);
  const timer = setInterval(() => socket.write("a"), 20);
  socket.once("close", () => clearInterval(timer));
};
const letters = Buffer.alloc(65_536, "a");

test.each<[string, Code, string, (socket: Socket) => void]>([
  ["never answers", "TIMEOUT", "timeout", () => {}],
  ["sends a header for ever, slowly", "TIMEOUT", "timeout", trickle],
  ["sends headers for ever", "TOO_LARGE", "headers", floodAfter(head, `x: ${"a".repeat(1_000)}\r\n`)],
  ["sends a body for ever", "TOO_LARGE", "body", floodAfter(`${head}\r\n`, letters)],
  [
    "announces too large a body",
    "TOO_LARGE",
    "body",
    (socket) => void socket.write(`${head}content-length: 99999999\r\n\r\n`),
  ],
  [
    "hides a flood in a chunk's extension",
    "TOO_LARGE",
    "body",
    floodAfter(`${head}transfer-encoding: chunked\r\n\r\n1;`, letters),
  ],
  ["promises for ever", "UPSTREAM", "answer", floodAfter("", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(100))],
  ["packs twice", "UPSTREAM", "encoding", sendAll(`${head}content-encoding: gzip, gzip\r\n\r\nx`)],
  ["packs badly", "UPSTREAM", "answer", sendAll(`${head}content-encoding: gzip\r\n\r\nx`)],
  ["sends a picture", "UPSTREAM", "content_type", sendAll("HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n\r\nx")],
  ["sends bytes that it does not name", "UPSTREAM", "content_type", sendAll("HTTP/1.1 200 OK\r\n\r\n\0\x01")],
  ["speaks no HTTP", "UPSTREAM", "answer", sendAll("220 mail.test ESMTP\r\n")],
  ["breaks off", "UPSTREAM", "answer", sendAll(`${head}content-length: 100\r\n\r\nabc`)],
  [
    "redirects for ever",
    "UPSTREAM",
    "redirect_limit",
    sendAll("HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n"),
  ],
])("a server that %s ends in %s", async (_, code, reason, behave) => {
  const port = await serveRaw(behave);
  const limits = { totalMs: /TIMEOUT/.test(code) ? 300 : 10_000 };
  const error = await refusal({ ...atHome, limits }, { url: `http://a.test:${port}/` });
  expect(error).toMatchObject({ code, details: { reason, url: `http://a.test:${port}/`, next: expect.any(String) } });
});

test("a name without an address, one that takes too long, and a closed port each say so", async () => {
  const missing = { lookup: () => Promise.reject(Object.assign(new Error("no"), { code: "ENOTFOUND" })) };
  expect(await refusal(missing, { url: "http://a.test/" })).toMatchObject({
    code: "UPSTREAM",
    details: { reason: "dns" },
  });
  const hanging = { lookup: () => new Promise<never>(() => {}), limits: { lookupMs: 50 } };
  expect(await refusal(hanging, { url: "http://a.test/" })).toMatchObject({
    code: "TIMEOUT",
    details: { reason: "dns_timeout" },
  });
  const port = await listen(createTcpServer());
  open.at(-1)?.close();
  expect(await refusal(atHome, { url: `http://a.test:${port}/` })).toMatchObject({
    code: "UPSTREAM",
    details: { reason: "connect" },
  });
});

test("a withdrawn fetch ends with its own reason and closes its connection", async () => {
  const withdrawn = new AbortController();
  const closed = Promise.withResolvers<void>();
  const port = await serveRaw((socket) => {
    socket.once("close", () => closed.resolve());
    withdrawn.abort(new CallError("CANCELLED", "The caller withdrew the call."));
  });
  const error = await refusal(atHome, { url: `http://a.test:${port}/`, signal: withdrawn.signal });
  expect(error.code).toBe("CANCELLED");
  await closed.promise;
});

test.each(["Host", "connection", "Content-Length", "Cookie", "Proxy-Authorization", "x\r\ny"])(
  "the header %j cannot be set",
  async (name) => {
    const error = await refusal(atHome, { url: "http://a.test/", headers: { [name]: "1" } });
    expect(error).toMatchObject({ code: "VALIDATION_ERROR", details: { reason: "header" } });
  },
);
