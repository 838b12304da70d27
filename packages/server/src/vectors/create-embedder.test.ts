import { afterEach, describe, expect, test } from "vitest";
import {
  type EmbeddingServer,
  type EmbeddingServerOptions,
  type Fault,
  startEmbeddingServer,
} from "../../../../test/support/embeddings/embedding-server.ts";
import { hashWords } from "../../../../test/support/embeddings/hashed-words.ts";
import { createEmbedder, type EmbedderOptions } from "./create-embedder.ts";
import { EmbedFault } from "./embed-fault.ts";

const servers: EmbeddingServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

const never = new AbortController().signal;
const kinds = [
  { kind: "ollama" as const, path: "" },
  { kind: "openai" as const, path: "/v1" },
];

const start = async (options: EmbeddingServerOptions = {}): Promise<EmbeddingServer> => {
  const server = await startEmbeddingServer(options);
  servers.push(server);
  return server;
};

const refused = async (work: Promise<unknown>): Promise<EmbedFault> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(EmbedFault);
  return error as EmbedFault;
};

const cosine = (a: Float32Array, b: readonly number[]): number =>
  a.reduce((sum, value, n) => sum + value * (b[n] ?? 0), 0);

describe.each(kinds)("embedding through $kind's own client", ({ kind, path }) => {
  const create = (server: EmbeddingServer, more: Partial<EmbedderOptions> = {}) =>
    createEmbedder({ kind, url: `${server.url}${path}`, model: "hash:latest", ...more });

  test("gives one vector of length 1 for each text, in order", async () => {
    const server = await start();
    const embedder = create(server);
    const vectors = await embedder.embed(["the duck swims", "größer \u{1f986}", "日本語"], "document", never);
    expect(vectors).toHaveLength(3);
    expect(cosine(vectors[0] ?? new Float32Array(), hashWords("the duck swims", 96))).toBeCloseTo(1, 5);
    expect(cosine(vectors[2] ?? new Float32Array(), hashWords("日本語", 96))).toBeCloseTo(1, 5);
    for (const vector of vectors) expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
    expect(await embedder.dimensions(never)).toBe(96);
    expect(server.asked).toHaveLength(1);
    expect(server.asked[0]).toMatchObject({
      model: "hash:latest",
      path: kind === "ollama" ? "/api/embed" : "/v1/embeddings",
    });
  });

  test("vectors that are not of length 1 are brought to it", async () => {
    const server = await start();
    server.fail({ kind: "vectors", change: (vectors) => vectors.map((vector) => vector.map((value) => value * 250)) });
    const [vector] = await create(server).embed(["a duck"], "document", never);
    expect(Math.hypot(...(vector ?? []))).toBeCloseTo(1, 5);
  });

  test("sends the key, and nothing about this machine", async () => {
    const server = await start();
    await create(server, { key: "secret-key" }).embed(["a"], "document", never);
    await create(server).embed(["a"], "document", never);
    const [first, second] = server.asked.map(({ headers }) => headers);
    expect(first?.authorization).toBe("Bearer secret-key");
    expect(second?.authorization).toBeUndefined();
    expect(Object.keys(second ?? {}).sort()).toEqual([
      "accept",
      "accept-encoding",
      "connection",
      "content-length",
      "content-type",
      "host",
    ]);
  });

  test("cuts batches by count and by characters, and texts at their limit", async () => {
    const server = await start();
    const embedder = create(server, { batchTexts: 4, batchCharacters: 100, textCharacters: 60 });
    const texts = [
      `${"a".repeat(59)}\u{1f986}\u{1f986}`,
      ...Array.from({ length: 9 }, (_, n) => `text ${n}`),
      "b".repeat(50),
    ];
    const vectors = await embedder.embed(texts, "document", never);
    expect(vectors).toHaveLength(11);
    const sent = server.asked.map((one) => one.texts);
    expect(sent.flat()).toEqual(["a".repeat(59), ...texts.slice(1)]);
    for (const batch of sent) {
      expect(batch.length).toBeLessThanOrEqual(4);
      expect(batch.join("").length).toBeLessThanOrEqual(100);
    }
  });

  test("a text alone that the model does not take is halved until it does", async () => {
    const server = await start();
    server.failAlways(({ texts }) =>
      texts.some((text) => text.length > 1_500) ? { kind: "status", status: 400 } : undefined,
    );
    const embedder = create(server);
    expect(await embedder.embed(["word ".repeat(1_000)], "document", never)).toHaveLength(1);
    expect(server.asked.map(({ texts }) => texts[0]?.length)).toEqual([5_000, 2_500, 1_250]);
    expect((await refused(embedder.embed(["short", "x".repeat(2_000)], "document", never))).reason).toBe("input");
    expect((await refused(embedder.embed(["  "], "document", never))).reason).toBe("input");
  });

  test("writes before questions and texts what the model was trained with", async () => {
    const server = await start();
    const embedder = create(server, { model: "nomic-embed-text:v1.5" });
    await embedder.embed(["a duck"], "document", never);
    await embedder.embed(["a duck"], "query", never);
    expect(server.asked.map(({ texts }) => texts[0])).toEqual(["search_document: a duck", "search_query: a duck"]);
  });

  test("what leaves is masked, before it is cut", async () => {
    const server = await start();
    const embedder = create(server, { mask: (text) => text.replace(/hunter\d/g, "[masked]"), textCharacters: 20 });
    await embedder.embed(["password hunter2", "0123456789012345hunter2"], "document", never);
    await embedder.embed(["hunter2?"], "query", never);
    expect(server.asked.flatMap(({ texts }) => texts)).toEqual([
      "password [masked]",
      "0123456789012345[mas",
      "[masked]?",
    ]);
  });

  test("a collection's name changes with the model, its dimensions and its prefixes alone", async () => {
    const server = await start();
    const name = (more: Partial<EmbedderOptions> = {}) => create(server, more).collection(never);
    const usual = await name();
    expect(usual).toMatch(/^hash-latest-96-[0-9a-f]{8}$/);
    expect(await name({ key: "k", batchTexts: 3 })).toBe(usual);
    const others = [
      await name({ model: "hash:other" }),
      await name({ dimensions: 64 }),
      await name({ prefixes: { query: "q ", document: "" } }),
    ];
    expect(new Set([usual, ...others]).size).toBe(4);
  });

  const status = (code: number, headers: Record<string, string> = {}): Fault => ({
    kind: "status",
    status: code,
    headers,
  });
  const faults: readonly (readonly [string, Fault, Partial<EmbedFault>])[] = [
    ["too many requests", status(429, { "retry-after": "7" }), { reason: "busy", retryAfterMs: 7_000, passing: true }],
    [
      "too many requests, in milliseconds",
      status(429, { "retry-after-ms": "250" }),
      { reason: "busy", retryAfterMs: 250 },
    ],
    ["an error inside", status(500), { reason: "server", passing: true }],
    [
      "an error that is no JSON",
      { kind: "status", status: 502, headers: { "content-type": "text/html" }, body: "<h1>no" },
      { reason: "server" },
    ],
    ["a wrong key", status(401), { reason: "refused", passing: false }],
    ["no such model", status(404), { reason: "refused", passing: false }],
    ["broken JSON", { kind: "truncated" }, { reason: "answer", passing: true }],
    ["a broken connection", { kind: "reset" }, { reason: "unreachable", passing: true }],
    ["a vector too few", { kind: "vectors", change: (vectors) => vectors.slice(1) }, { reason: "answer" }],
    ["no vectors", { kind: "vectors", change: () => [] }, { reason: "answer" }],
    [
      "a vector of zeros",
      { kind: "vectors", change: (vectors) => vectors.map((one) => one.map(() => 0)) },
      { reason: "answer" },
    ],
    [
      "different lengths",
      { kind: "vectors", change: ([a = [], ...rest]) => [a.slice(1), ...rest] },
      { reason: "answer" },
    ],
  ];
  test.each(faults)("%s is a fault of its kind", async (_, fault, wanted) => {
    const server = await start();
    const embedder = create(server);
    server.fail(fault);
    expect(await refused(embedder.embed(["secret words", "b"], "document", never))).toMatchObject(wanted);
    expect(await embedder.embed(["a", "b"], "document", never)).toHaveLength(2);
  });

  test.each([302, 307])("a redirect (%i) is not followed: key and texts are for one address", async (code) => {
    const [server, other] = [await start(), await start()];
    server.fail({ kind: "status", status: code, headers: { location: `${other.url}${path}/embeddings` } });
    const fault = await refused(create(server, { key: "secret-key" }).embed(["a"], "document", never));
    expect(fault.reason).toBe("refused");
    expect(other.asked).toEqual([]);
  });

  test("numbers that are none are refused", async () => {
    const server = await start({ plain: true });
    const embedder = create(server);
    for (const bad of [null, "NaN", Number.NaN, {}]) {
      server.fail({
        kind: "vectors",
        change: (vectors) => vectors.map((one) => one.with(3, bad as unknown as number)),
      });
      expect((await refused(embedder.embed(["a"], "document", never))).reason).toBe("answer");
    }
  });

  test("dimensions that change, or are not those that were wanted, are refused", async () => {
    const server = await start();
    const embedder = create(server);
    await embedder.embed(["a"], "document", never);
    server.fail({ kind: "dimensions", dimensions: 48 });
    expect((await refused(embedder.embed(["b"], "document", never))).message).toContain("48 dimensions, not 96");
    server.fail({ kind: "dimensions", dimensions: 96 });
    expect((await refused(create(server, { dimensions: 32 }).embed(["b"], "document", never))).reason).toBe("answer");
    expect((await create(server, { dimensions: 32 }).embed(["b"], "document", never))[0]).toHaveLength(32);
  });

  test("a slow answer ends with the request's time, or with who asked", async () => {
    const server = await start();
    const embedder = create(server, { requestMs: 120 });
    server.fail({ kind: "slow", ms: 5_000 }, { kind: "slow", ms: 5_000 });
    const began = performance.now();
    expect((await refused(embedder.embed(["a"], "document", never))).reason).toBe("timeout");
    const leaving = new AbortController();
    setTimeout(() => leaving.abort(new Error("left")), 30);
    await expect(embedder.embed(["a"], "document", leaving.signal)).rejects.toThrow("left");
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  test("no fault tells the text or the key", async () => {
    const server = await start();
    const embedder = create(server, { key: "secret-key" });
    server.fail(
      { kind: "status", status: 400, body: JSON.stringify({ error: "secret words secret-key" }) },
      { kind: "status", status: 500, body: JSON.stringify({ error: { message: "secret words" } }) },
    );
    for (const _ of [1, 2]) {
      const { message } = await refused(embedder.embed(["secret words", "b"], "document", never));
      expect(message).not.toMatch(/secret/);
    }
  });
});

test("a server that sends plain numbers to who asked for base64 is understood", async () => {
  const server = await start({ plain: true });
  const embedder = createEmbedder({ kind: "openai", url: `${server.url}/v1/`, model: "hash" });
  expect(server.asked).toHaveLength(0);
  expect(await embedder.dimensions(never)).toBe(96);
});

test("nobody listening is a fault that may pass", async () => {
  const server = await start();
  await server.stop();
  const embedder = createEmbedder({ kind: "ollama", url: server.url, model: "hash" });
  expect(await refused(embedder.embed(["a"], "query", never))).toMatchObject({ reason: "unreachable", passing: true });
});

test.each(["", "ftp://x", "http://user:word@host/", "http://host/?a=b", "no url"])("the URL %j is refused", (url) => {
  expect(() => createEmbedder({ kind: "ollama", url, model: "m" })).toThrow(/URL/);
});
