import { hash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { type EmbeddingServer, startEmbeddingServer } from "../../../../test/support/embeddings/embedding-server.ts";
import { createVectorIndex } from "../stores/memory/vector-index.ts";
import type { VectorIndex } from "../stores/store.ts";
import { createEmbedder } from "./create-embedder.ts";
import { createDenseLeg, type DenseLeg, type DenseLegOptions } from "./dense-leg.ts";

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

const never = new AbortController().signal;
const all = { k: 3, allows: () => true, withinMs: 2_000 };
const texts = ["the duck swims on the pond", "a letter to the bank", "how to bake bread", "ducks and geese"];

interface World {
  readonly server: EmbeddingServer;
  readonly index: VectorIndex;
  readonly leg: DenseLeg;
  readonly faults: unknown[];
}

async function createWorld(options: Partial<DenseLegOptions> = {}, filled = true): Promise<World> {
  const server = await startEmbeddingServer();
  endings.push(() => server.stop());
  const embedder = createEmbedder({ kind: "openai", url: `${server.url}/v1`, model: "hash", requestMs: 2_000 });
  const index = createVectorIndex();
  if (filled) {
    const vectors = await embedder.embed(texts, "document", never);
    const points = vectors.map((vector, n) => ({ chunk: n + 1, sha256: hash("sha256", texts[n] ?? ""), vector }));
    await index.put(await embedder.collection(never), points);
  }
  const faults: unknown[] = [];
  const leg = createDenseLeg({ embedder, index, fault: (...told) => void faults.push(told), ...options });
  endings.push(() => leg.stop());
  return { server, index, leg, faults };
}

const chunksOf = (result: Awaited<ReturnType<DenseLeg["nearest"]>>): unknown =>
  "cold" in result ? result.cold : result.neighbors.map(({ chunk }) => chunk);

test("finds the nearest of what the caller may see", async () => {
  const { leg } = await createWorld();
  expect(await leg.nearest("duck swims", all)).toMatchObject({
    model: "hash",
    neighbors: [{ chunk: 1 }, { chunk: 4 }, {}],
  });
  expect(chunksOf(await leg.nearest("duck swims", { ...all, k: 1, allows: (chunk) => chunk !== 1 }))).toEqual([4]);
  expect(chunksOf(await leg.nearest("duck swims", { ...all, allows: () => false }))).toBe("empty");
});

test("a query is embedded once, as often as it is asked", async () => {
  const { leg, server } = await createWorld();
  const before = server.asked.length;
  await Promise.all([1, 2, 3].map(() => leg.nearest("duck", all)));
  expect(chunksOf(await leg.nearest(" duck ", all))).toEqual(chunksOf(await leg.nearest("duck", all)));
  expect(server.asked.length - before).toBe(1);
});

test("remembers so many queries and no more", async () => {
  const { leg, server } = await createWorld({ remembered: 2 });
  const before = server.asked.length;
  for (const query of ["a b", "c d", "a b", "e f", "a b", "c d"]) await leg.nearest(query, all);
  expect(server.asked.length - before).toBe(4);
});

test("what comes too late is answered without, and is there the next time", async () => {
  const { leg, server } = await createWorld();
  server.fail({ kind: "slow", ms: 250 });
  const began = performance.now();
  expect(chunksOf(await leg.nearest("duck", { ...all, withinMs: 40 }))).toBe("slow");
  expect(performance.now() - began).toBeLessThan(200);
  await delay(350);
  expect(chunksOf(await leg.nearest("duck", { ...all, withinMs: 40 }))).toEqual([1, 4, 2]);
});

test("after failures in a row the endpoint is left alone, then tried by one query, then used again", async () => {
  const { leg, server } = await createWorld({ breaker: { failures: 2, firstRestMs: 150, random: () => 1 } });
  server.failAlways(() => ({ kind: "reset" }));
  for (const query of ["one", "two"]) expect(chunksOf(await leg.nearest(query, all))).toBe("down");
  const asked = server.asked.length;
  for (const query of ["three", "four"]) expect(chunksOf(await leg.nearest(query, all))).toBe("down");
  expect(server.asked.length).toBe(asked);
  await delay(200);
  await Promise.all(["five", "six", "seven"].map((query) => leg.nearest(query, all)));
  expect(server.asked.length).toBe(asked + 1);
  server.failAlways(undefined);
  await delay(350);
  expect(chunksOf(await leg.nearest("duck", all))).toEqual([1, 4, 2]);
  expect(chunksOf(await leg.nearest("bread", all))).toEqual([3, expect.any(Number), expect.any(Number)]);
});

test("an endpoint that asks for rest gets it", async () => {
  const { leg, server } = await createWorld();
  server.fail({ kind: "status", status: 429, headers: { "retry-after-ms": "200" } });
  expect(chunksOf(await leg.nearest("duck", all))).toBe("busy");
  expect(chunksOf(await leg.nearest("goose", all))).toBe("down");
  await delay(250);
  expect(chunksOf(await leg.nearest("goose", all))).toContain(4);
});

test("tells when the endpoint refuses, when there are no vectors, and when there is no query", async () => {
  const { leg, server } = await createWorld({}, false);
  expect(chunksOf(await leg.nearest("duck", all))).toBe("empty");
  server.fail({ kind: "status", status: 401 });
  expect(chunksOf(await leg.nearest("goose", all))).toBe("refused");
  expect(chunksOf(await leg.nearest("   ", all))).toBe("refused");
});

test("so many queries are embedded at once and no more", async () => {
  const { leg, server } = await createWorld({ atOnce: 3 });
  server.failAlways(() => ({ kind: "slow", ms: 100 }));
  const results = await Promise.all(["a", "b", "c", "d", "e"].map((query) => leg.nearest(query, all)));
  expect(results.map(chunksOf).filter((one) => one === "busy")).toHaveLength(2);
  expect(server.atOnce).toBeLessThanOrEqual(3);
});

test("an index that fails or hangs leaves the words", async () => {
  const broken = await createWorld({ index: { nearest: () => Promise.reject(new Error("disk")) } });
  expect(chunksOf(await broken.leg.nearest("duck", all))).toBe("failed");
  expect(broken.faults).toHaveLength(1);
  const hanging = await createWorld({ index: { nearest: () => new Promise(() => {}) } });
  expect(chunksOf(await hanging.leg.nearest("duck", { ...all, withinMs: 150 }))).toBe("slow");
});

test("who leaves is let go with the reason; the query is embedded nevertheless", async () => {
  const { leg, server } = await createWorld();
  server.fail({ kind: "slow", ms: 100 });
  const leaving = new AbortController();
  setTimeout(() => leaving.abort(new Error("left")), 20);
  await expect(leg.nearest("duck", { ...all, signal: leaving.signal })).rejects.toThrow("left");
  await delay(200);
  const asked = server.asked.length;
  expect(chunksOf(await leg.nearest("duck", all))).toEqual([1, 4, 2]);
  expect(server.asked.length).toBe(asked);
});

test("stopping ends what is asked, and a query is then cold", async () => {
  const { leg, server } = await createWorld();
  server.failAlways(() => ({ kind: "slow", ms: 10_000 }));
  const asking = leg.nearest("duck", { ...all, withinMs: 5_000 });
  await delay(50);
  leg.stop();
  expect("cold" in (await asking)).toBe(true);
  expect(chunksOf(await leg.nearest("goose", all))).toBe("down");
});
