import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { openLibrary } from "../../../../../test/conformance/mcp/library.ts";
import { serveStdio } from "./stdio.ts";

// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever was answered
type Json = any;

const meta = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
};
const initialize = (protocolVersion: string) => ({
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: { protocolVersion, capabilities: {}, clientInfo: { name: "tester", version: "1" } },
});
const call = (id: number, name: string, args: object, _meta?: object) => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name, arguments: args, ...(_meta && { _meta }) },
});

/** Writes all lines at once, ends the input, and reads what came out. */
async function pipe(lines: readonly unknown[]) {
  const library = openLibrary();
  const [input, output] = [new PassThrough(), new PassThrough()];
  const ended = serveStdio(library, { subject: "duck", profile: "full", input, output });
  for (const line of lines)
    input.write(Buffer.isBuffer(line) ? line : `${typeof line === "string" ? line : JSON.stringify(line)}\n`);
  input.end();
  await ended;
  output.end();
  const text = Buffer.concat(await output.toArray()).toString();
  return {
    library,
    answers: text
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Json),
  };
}

test.each(["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])(
  "%s: an input that ends at once still gets its answers",
  async (revision) => {
    const { answers, library } = await pipe([
      initialize(revision),
      { jsonrpc: "2.0", method: "notifications/initialized" },
      call(1, "search", { query: "plants", purpose: "why" }),
    ]);
    expect(answers.map(({ id }) => id)).toEqual([0, 1]);
    expect(answers[0].result.protocolVersion).toBe(revision);
    const called = library.passed.find(({ kind }) => kind === "call")?.arrival;
    expect(called).toMatchObject({
      door: "mcp-stdio",
      credential: { kind: "local", subject: "duck" },
      trace: { purpose: "why" },
    });
  },
);

test("the newest revision needs no handshake", async () => {
  const { answers } = await pipe([call(1, "search", { query: "plants" }, meta)]);
  expect(answers[0].result).toMatchObject({
    resultType: "complete",
    structuredContent: { results: [{ id: "notes/todo.md" }] },
  });
});

test("each line that cannot be taken is answered and recorded, and the next one served", async () => {
  const { answers, library } = await pipe([
    initialize("2025-11-25"),
    "{",
    Buffer.from([0x22, 0xff, 0x22, 0x0a]),
    "[]",
    '{"hello":1}',
    `"${"x".repeat(4 * 1024 * 1024)}"`,
    "",
    call(1, "search", { query: "plants" }),
  ]);
  const codes = answers.filter(({ error }) => error).map(({ error, id }) => [error.code, id]);
  expect(codes.sort()).toEqual(
    [
      [-32_700, null],
      [-32_700, null],
      [-32_600, null],
      [-32_600, null],
      [-32_005, null],
    ].sort(),
  );
  expect(library.passed.filter(({ kind }) => kind === "refused")).toHaveLength(5);
  expect(answers.some(({ id, result }) => id === 1 && result)).toBe(true);
});

test("a message may come in pieces, and several in one", async () => {
  const library = openLibrary();
  const [input, output] = [new PassThrough(), new PassThrough()];
  const ended = serveStdio(library, { subject: "duck", profile: "full", input, output });
  const text = `${JSON.stringify(call(1, "search", { query: "pl\u00e4nts" }, meta))}\n${JSON.stringify(call(2, "fs_stat", { path: "x" }, meta))}\n`;
  for (const byte of Buffer.from(text)) input.write(Buffer.from([byte]));
  input.end();
  await ended;
  const args = library.passed.flatMap(({ arrival }) => (arrival ? [arrival.args] : []));
  expect(args).toEqual([{ query: "pl\u00e4nts" }, { path: "x" }]);
});

test("the connection ends from this side too, and stops what runs", async () => {
  const library = openLibrary();
  const [input, output] = [new PassThrough(), new PassThrough()];
  const stop = new AbortController();
  const ended = serveStdio(library, { subject: "duck", profile: "full", input, output, signal: stop.signal });
  input.write(`${JSON.stringify(call(1, "work_wait", { ms: "1" }, meta))}\n`);
  await new Promise((resolve) => setTimeout(resolve, 50));
  stop.abort();
  await ended;
  await new Promise((resolve) => setImmediate(resolve));
  expect(library.passed.find(({ name }) => name === "work.wait")?.outcome).toMatchObject({ code: "CANCELLED" });
});

test("a client that reads none of its refusals is not read either", async () => {
  const library = openLibrary();
  const [input, output] = [new PassThrough(), new PassThrough({ highWaterMark: 1_000 })];
  const stop = new AbortController();
  const ended = serveStdio(library, { subject: "duck", profile: "full", input, output, signal: stop.signal });
  for (let n = 0; n < 200; n++) input.write("{\n".repeat(100));
  const refused = (): number => library.passed.filter(({ kind }) => kind === "refused").length;
  await expect.poll(refused).toBeGreaterThan(255);
  await new Promise((resolve) => setTimeout(resolve, 200));
  // What came in one piece with the last one that was read is answered too.
  expect(refused()).toBeLessThan(1_000);
  output.resume();
  await expect.poll(refused, { timeout: 10_000 }).toBe(20_000);
  stop.abort();
  await ended;
});
