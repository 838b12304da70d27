import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { createGuardedStream, type StreamLimits } from "./guarded-stream.ts";

const limits: StreamLimits = { bodyBytes: 1_000, totalMs: 2_000, quietMs: 1_500 };

/** The whole answer of this listener, or what reading it failed with. */
async function read(
  listener: RequestListener,
  more: Partial<StreamLimits> = {},
): Promise<{ status?: number; text?: string; error?: { code?: string; details?: Record<string, unknown> } }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const stream = createGuardedStream([], { ...limits, ...more });
    const { status, body } = await stream({ url: `http://127.0.0.1:${port}/`, method: "POST", headers: {}, body: "x" });
    return { status, text: await new Response(body).text() };
  } catch (error) {
    return { error: error as { code?: string } };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test("an answer comes as it is sent, and a redirect is an answer like any other", async () => {
  expect(await read((_, response) => void response.end("hi"))).toEqual({ status: 200, text: "hi" });
  const elsewhere = await read(
    (_, response) => void response.writeHead(302, { location: "http://127.0.0.1:1/" }).end("no"),
  );
  expect(elsewhere).toEqual({ status: 302, text: "no" });
});

test("more bytes than the limit end it", async () => {
  const { error } = await read((_, response) => void response.end("x".repeat(1_001)));
  expect(error).toMatchObject({ code: "TOO_LARGE" });
});

test("a packed answer is not taken", async () => {
  const { error } = await read((_, response) => void response.writeHead(200, { "content-encoding": "gzip" }).end("x"));
  expect(error).toMatchObject({ code: "UPSTREAM", details: { reason: "encoding" } });
});

test("silence ends it, before the answer and in the middle of it, and so does the whole time", async () => {
  for (const listener of [
    (() => {}) as RequestListener,
    (_: unknown, response: { write(text: string): void }) => response.write("x"),
  ])
    expect((await read(listener as RequestListener, { quietMs: 100 })).error).toMatchObject({ code: "TIMEOUT" });
  const drip: RequestListener = (_, response) => {
    const timer = setInterval(() => response.write("."), 20);
    response.once("close", () => clearInterval(timer));
  };
  expect((await read(drip, { totalMs: 300 })).error).toMatchObject({ code: "TIMEOUT" });
});
