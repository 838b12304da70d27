import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createGuardedFetch } from "./guarded-fetch.ts";

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A server that tells which of its connections a request came by. */
async function serve(keepAliveMs = 5_000): Promise<{ readonly port: number; readonly sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer({ keepAliveTimeout: keepAliveMs }, (request, response) => {
    const at = sockets.indexOf(request.socket);
    if (request.url === "/away") return void response.writeHead(302, { location: "/" }).end();
    if (request.url === "/endless") return void response.writeHead(200, { "content-type": "text/plain" }).write("x");
    response.writeHead(200, { "content-type": "text/plain" }).end(`by ${at}`);
  });
  server.on("connection", (socket) => sockets.push(socket.on("error", () => {})));
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, sockets };
}

const names = ["a.test", "b.test"];
const createKeeping = (port: number, addressOf: (host: string) => string = () => "127.0.0.1") => {
  const judged: string[] = [];
  const fetch = createGuardedFetch({
    keep: true,
    limits: { totalMs: 2_000 },
    privateHosts: names.map((name) => `${name}:${port}`),
    lookup: async (host) => {
      judged.push(host);
      return [addressOf(host)];
    },
  });
  const get = async (path: string, host = "a.test"): Promise<string> =>
    Buffer.from((await fetch({ url: `http://${host}:${port}${path}`, reach: () => "public" })).body).toString();
  return { get, judged };
};

test("requests to one origin go by one connection, whose address was judged when it was opened", async () => {
  const { port, sockets } = await serve();
  const { get, judged } = createKeeping(port);
  expect([await get("/1"), await get("/2"), await get("/3")]).toEqual(["by 0", "by 0", "by 0"]);
  expect([judged, sockets.length]).toEqual([["a.test"], 1]);
});

test("another name has a connection of its own, though it leads to the same address", async () => {
  const { port } = await serve();
  const { get, judged } = createKeeping(port);
  expect([await get("/"), await get("/", "b.test"), await get("/")]).toEqual(["by 0", "by 1", "by 0"]);
  expect(judged).toEqual(["a.test", "b.test"]);
});

test("requests at once never share a connection", async () => {
  const { port } = await serve();
  const { get } = createKeeping(port);
  expect((await Promise.all([get("/"), get("/"), get("/")])).toSorted()).toEqual(["by 0", "by 1", "by 2"]);
});

test("a connection that the other side has closed is not used again", async () => {
  const { port, sockets } = await serve();
  const { get, judged } = createKeeping(port);
  await get("/");
  const closed = new Promise((resolve) => sockets[0]?.once("close", resolve));
  sockets[0]?.destroy();
  await closed;
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await get("/")).toBe("by 1");
  expect(judged).toHaveLength(2);
});

test("an answer that was not read to its end, or led elsewhere, ends its connection", async () => {
  const { port, sockets } = await serve();
  const { get } = createKeeping(port);
  expect(await get("/away")).toBe("by 1");
  await expect(get("/endless")).rejects.toThrow();
  expect(await get("/")).toMatch(/^by [2-9]$/);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(sockets.filter(({ destroyed }) => !destroyed)).toHaveLength(1);
});

test("what a name leads to by now is judged when the connection is opened anew", async () => {
  const { port, sockets } = await serve();
  let address = "127.0.0.1";
  const { get } = createKeeping(port, () => address);
  await get("/");
  address = "169.254.169.254";
  sockets[0]?.destroy();
  await new Promise((resolve) => setTimeout(resolve, 50));
  await expect(get("/")).rejects.toThrow();
});
