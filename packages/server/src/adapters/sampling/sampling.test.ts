import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { CallError, type Completion, type SamplingArguments } from "@portcullis/contracts";
import { expect, test } from "vitest";
import type { Permit, Tool } from "../adapter.ts";
import { createSamplingAdapter, labelsOfModel, type ModelOptions } from "./sampling-adapter.ts";

const say = (text: string): SamplingArguments => ({ messages: [{ role: "user", content: { type: "text", text } }] });

/** Asks a model whose host is the listener. */
async function ask(
  listener: RequestListener,
  options: Partial<ModelOptions> = {},
  signal = new AbortController().signal,
) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const model: ModelOptions = {
    ...{
      name: "near",
      kind: "ollama",
      url: `http://127.0.0.1:${port}`,
      model: "m",
      maxTokens: 10,
      concurrent: 1,
      callMs: 5_000,
    },
    ...options,
  };
  const [tool] = createSamplingAdapter([model]).tools() as unknown as [Tool<SamplingArguments, Completion>];
  try {
    return await tool
      .run(say("a private thought"), { permit: {} as Permit, signal, progress: () => {} })
      .catch((error: unknown) => error);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const json =
  (value: unknown, status = 200): RequestListener =>
  (_, response) =>
    void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));

test("a model elsewhere leaks, and one of this machine does not, unless it passes on what it is asked", () => {
  const far = { egress: true, untrusted: true };
  const of = (url: string, model = "m", leaves?: boolean) => labelsOfModel({ url, model, kind: "ollama" }, leaves);
  for (const url of ["http://127.0.0.1:11434", "http://localhost:1", "http://[::1]:1", "http://127.8.9.1"])
    expect(of(url)).toEqual({});
  for (const url of [
    "https://api.example/v1",
    "https://127.0.0.1.evil.example",
    "https://localhost.evil.example",
    "http://[::ffff:8.8.8.8]",
  ])
    expect(of(url)).toEqual(far);
  expect(of("http://127.0.0.1", "gpt-oss:120b-cloud")).toEqual(far);
  expect(of("http://127.0.0.1", "m", true)).toEqual(far);
  // A name is not taken at its word.
  expect(of("https://api.example", "m", false)).toEqual(far);
});

test.each<[string, RequestListener, Partial<ModelOptions>]>([
  ["answers with no JSON", (_, response) => void response.end("<html>"), {}],
  ["answers with nothing of a completion", json({}), {}],
  ["answers with a text where an object belongs", json({ message: "x" }), {}],
  ["answers with another type", json({ message: { content: 7 } }), {}],
  ["answers with no choices", json({ choices: [] }), { kind: "openai" }],
  ["answers with a list", json([]), { kind: "openai" }],
  ["redirects", (_, response) => void response.writeHead(302, { location: "https://evil.example/" }).end(), {}],
  ["has a status of failure that repeats the prompt", json({ error: "a private thought" }, 400), {}],
  ["breaks off", (request) => void request.socket.destroy(), {}],
  [
    "sends more than is read",
    (_, response) =>
      void response.writeHead(200, { "content-type": "application/json" }).end(`"${"x".repeat(5_000_000)}"`),
    {},
  ],
  ["never answers", () => {}, { callMs: 200 }],
])(
  "a model that %s is a refusal without a word of the prompt, the key or the address",
  async (_, listener, options) => {
    const error = await ask(listener, { ...options, key: "model-key" });
    expect(error).toBeInstanceOf(CallError);
    expect((error as CallError).code).toMatch(/^(UPSTREAM|TIMEOUT|TOO_LARGE)$/);
    const { message, details } = error as CallError;
    expect(JSON.stringify([message, details])).not.toMatch(/private thought|model-key|127\.0\.0\.1/);
    expect(details).toMatchObject({ model: "near", next: expect.any(String) });
  },
);

test("a call that is withdrawn ends with the reason that it was withdrawn for", async () => {
  const withdrawn = new AbortController();
  const reason = new CallError("CANCELLED", "It was withdrawn.");
  const answer = ask(() => withdrawn.abort(reason), {}, withdrawn.signal);
  expect(await answer).toBe(reason);
});

test("numbers that are none and reasons that are unknown are left out", async () => {
  const told = { message: { content: "hi" }, done_reason: "__proto__", prompt_eval_count: -1, eval_count: 2 };
  expect(await ask(json(told))).toEqual({
    ...{ role: "assistant", model: "near", stopReason: "other" },
    content: { type: "text", text: "hi" },
    usage: { outputTokens: 2 },
  });
});
