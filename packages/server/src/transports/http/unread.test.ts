import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createFakeCorridor, fakeTool } from "../../../../../test/support/fake-corridor.ts";
import { freePort } from "../../../../../test/support/http-line.ts";
import { endWhenUnread, openEventStream } from "../mcp/http-reply.ts";
import { createHttpDoor } from "./http-door.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const megabyte = "x".repeat(1_000_000);

async function openDoor(): Promise<number> {
  const port = await freePort();
  const big = fakeTool("big", [], () => ({ text: megabyte }));
  const slow = fakeTool("slow", [], () => new Promise((resolve) => setTimeout(resolve, 1_500, { text: "slow" })));
  const none = async (): Promise<void> => {};
  const quick = fakeTool("quick", [], () => ({ text: "quick" }));
  const corridor = createFakeCorridor([big, slow, quick], { secret: "duck" });
  const at = { host: "127.0.0.1", port, allowedHosts: [], allowedOrigins: [], mcp: none, sse: none };
  const door = createHttpDoor({ ...at, corridor, unreadMs: 300 });
  await door.listen();
  ends.push(() => door.close(0));
  return port;
}

function dial(port: number): { socket: Socket; read: () => number; ended: Promise<void> } {
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  ends.push(() => socket.destroy());
  let bytes = 0;
  socket.on("data", (chunk) => {
    bytes += chunk.length;
  });
  return { socket, read: () => bytes, ended: new Promise((resolve) => socket.once("close", () => resolve())) };
}

const call = (name: string): string => {
  const body = JSON.stringify({ name, args: {}, trace: { purpose: "x" } });
  return `POST /v1/tools/call HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer secret\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
};

test("answers that nobody takes are given up with their connection", async () => {
  const { socket, read, ended } = dial(await openDoor());
  socket.pause();
  for (let n = 0; n < 40; n++) socket.write(call("big"));
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  socket.resume();
  await ended;
  expect(read()).toBeLessThan(40 * megabyte.length);
});

test("a slow call behind another one is answered, however long its connection is quiet", async () => {
  const { socket, read } = dial(await openDoor());
  socket.write(call("quick") + call("slow"));
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk;
  });
  await expect.poll(() => text.split("HTTP/1.1 200").length - 1, { timeout: 10_000 }).toBe(2);
  expect(read()).toBeGreaterThan(0);
});

test("a stream that nobody reads ends, and one that is read does not", async () => {
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    endWhenUnread(response, 300);
    const beat = setInterval(() => response.write(`data: ${megabyte}\n\n`), 50);
    response.once("close", () => clearInterval(beat));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const [reader, sleeper] = [dial(port), dial(port)];
  for (const { socket } of [reader, sleeper]) socket.write("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  sleeper.socket.pause();
  const count = (): Promise<number> => new Promise((resolve) => server.getConnections((_, open) => resolve(open)));
  await expect.poll(count, { timeout: 10_000 }).toBe(1);
  expect(reader.socket.destroyed).toBe(false);
});

test("a stream ends at once when too much of it waits", async () => {
  const closed = Promise.withResolvers<void>();
  const server = createServer((_, response) => {
    response.once("close", () => closed.resolve());
    const stream = openEventStream(response);
    for (let n = 0; n < 40; n++) stream.write({ jsonrpc: "2.0", method: "notifications/x", params: { megabyte } });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { socket } = dial((server.address() as AddressInfo).port);
  socket.pause();
  socket.write("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  const started = performance.now();
  await closed.promise;
  // The heartbeats alone would need half a minute.
  expect(performance.now() - started).toBeLessThan(20_000);
});
