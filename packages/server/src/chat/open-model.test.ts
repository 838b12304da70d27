import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import type { ReadModel } from "../config/read-sources.ts";
import type { ModelPiece } from "./chat-model.ts";
import { openChatModel } from "./open-model.ts";

/** What a model at this listener says. */
async function listen(
  listener: RequestListener,
  kind: "ollama" | "openai",
  { signal = new AbortController().signal, ...more }: Partial<ReadModel> & { signal?: AbortSignal } = {},
): Promise<readonly ModelPiece[] | Error> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}${kind === "openai" ? "/v1" : ""}`;
  const model = openChatModel({ name: "near", kind, url, model: "m", key: "model-key-1", callMs: 3_000, ...more }, {});
  try {
    return await collect(model.answer([{ role: "user", text: "a private thought" }], [], signal));
  } catch (error) {
    return error as Error;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const ndjson =
  (...messages: readonly object[]): RequestListener =>
  (_, response) =>
    void response
      .writeHead(200, { "content-type": "application/x-ndjson" })
      .end(messages.map((one) => `${JSON.stringify(one)}\n`).join(""));
const events =
  (...chunks: readonly object[]): RequestListener =>
  (_, response) =>
    void response
      .writeHead(200, { "content-type": "text/event-stream" })
      .end([...chunks.map((one) => JSON.stringify(one)), "[DONE]"].map((data) => `data: ${data}\n\n`).join(""));

test("a whole call without numbers, several at once, and arguments as text are understood", async () => {
  const whole = {
    tool_calls: [
      { id: "a", function: { name: "search", arguments: "{}" } },
      { id: "b", function: { name: "fetch", arguments: "" } },
    ],
  };
  const openai = await listen(events({ choices: [{ index: 0, delta: whole, finish_reason: "tool_calls" }] }), "openai");
  expect(openai).toEqual([
    { kind: "call", call: { id: "a", name: "search", args: "{}" } },
    { kind: "call", call: { id: "b", name: "fetch", args: "{}" } },
    { kind: "end", cut: false },
  ]);
  const asked = { message: { tool_calls: [{ function: { name: "search", arguments: '{"q":1}' } }] }, done: false };
  const ollama = await listen(ndjson(asked, { message: { content: "" }, done: true, done_reason: "length" }), "ollama");
  expect(ollama).toEqual([
    { kind: "call", call: { id: "call_1", name: "search", args: '{"q":1}' } },
    { kind: "end", cut: true },
  ]);
});

test("the key goes to the model's own address, and nothing else of this machine does", async () => {
  let seen: IncomingMessage["headers"] = {};
  await listen((request, response) => {
    seen = request.headers;
    response.writeHead(500).end();
  }, "openai");
  expect(seen.authorization).toBe("Bearer model-key-1");
  expect(Object.keys(seen).filter((name) => /^(x-stainless|user-agent|openai)/.test(name))).toEqual([]);
});

const bad: Readonly<Record<string, RequestListener>> = {
  "has a status of failure that repeats the prompt": (_, response) =>
    void response.writeHead(400, { "content-type": "application/json" }).end('{"error":"a private thought"}'),
  "has a status of failure with what would be an answer": (request, response) => {
    const said = { message: { content: "hi" }, done: true, choices: [{ index: 0, delta: { content: "hi" } }] };
    const line = JSON.stringify(said);
    response.writeHead(500).end(request.url?.startsWith("/api/") ? `${line}\n` : `data: ${line}\n\ndata: [DONE]\n\n`);
  },
  "sends the client elsewhere": (_, response) =>
    void response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
  "answers with a page": (_, response) => void response.writeHead(200, { "content-type": "text/html" }).end("<html>"),
  "ends before it began": (_, response) => void response.writeHead(200).end(),
  "breaks off": (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).write("data: {");
    setTimeout(() => response.destroy(), 20);
  },
  "says nothing": () => {},
  "never ends": (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const more = (): void => {
      if (!response.destroyed) response.write(`: ${"x".repeat(1_000_000)}\n`, more);
    };
    more();
  },
  "packs its answer": (_, response) => void response.writeHead(200, { "content-encoding": "gzip" }).end("x"),
};

test.each(
  Object.entries(bad).flatMap(([what, listener]) =>
    (["ollama", "openai"] as const).map((kind) => [what, kind, listener] as const),
  ),
)("a host that %s is a fault (%s) that tells nothing of the prompt or the key", async (_, kind, listener) => {
  const error = await listen(listener, kind, { callMs: 1_000 });
  expect(error).toMatchObject({ name: "ModelFault", next: expect.any(String) });
  expect(`${(error as Error).message}${(error as { next?: string }).next}`).not.toMatch(/private thought|model-key/);
});

test("what a host sends is never written to the terminal by a library", async () => {
  const written: unknown[] = [];
  const [warn, error, log] = [console.warn, console.error, console.log];
  console.warn = console.error = console.log = (...said: unknown[]) => void written.push(said);
  try {
    for (const kind of ["ollama", "openai"] as const)
      expect(await listen((_, response) => void response.end("\u001b[2J\ndata: \u001b[2J\n\n"), kind)).toBeInstanceOf(
        Error,
      );
  } finally {
    Object.assign(console, { warn, error, log });
  }
  expect(written).toEqual([]);
});

test("characters and lines that come in halves are put together", async () => {
  const text = `${JSON.stringify({ message: { content: "Würde 🌿" }, done: false })}\n${JSON.stringify({ message: { content: "" }, done: true })}`;
  const halves: RequestListener = (_, response) => {
    const bytes = Buffer.from(text);
    response.writeHead(200);
    const send = (at: number): void => {
      if (at >= bytes.length) return void response.end();
      response.write(bytes.subarray(at, at + 3), () => setImmediate(() => send(at + 3)));
    };
    send(0);
  };
  expect(await listen(halves, "ollama")).toEqual([
    { kind: "text", text: "Würde 🌿" },
    { kind: "end", cut: false },
  ]);
});

test("a question that is withdrawn ends with its own reason", async () => {
  const stop = new AbortController();
  const reason = new Error("enough");
  const answer = listen(() => stop.abort(reason), "openai", { signal: stop.signal });
  expect(await answer).toBe(reason);
});

async function collect(pieces: AsyncIterable<ModelPiece>): Promise<readonly ModelPiece[]> {
  const all: ModelPiece[] = [];
  for await (const piece of pieces) all.push(piece);
  return all;
}
