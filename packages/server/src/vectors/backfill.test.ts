import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { createCatalogue, type WritableCatalogue } from "../../../../test/support/embeddings/chunk-catalogue.ts";
import { type EmbeddingServer, startEmbeddingServer } from "../../../../test/support/embeddings/embedding-server.ts";
import { createVectorIndex } from "../stores/memory/vector-index.ts";
import type { VectorIndex } from "../stores/store.ts";
import { type Backfill, type BackfillOptions, createBackfill } from "./backfill.ts";
import { createChunkSource } from "./chunk-source.ts";
import { createEmbedder } from "./create-embedder.ts";

interface World {
  readonly server: EmbeddingServer;
  readonly index: VectorIndex;
  readonly catalogue: WritableCatalogue;
  readonly faults: string[];
  begin(more?: Partial<BackfillOptions> & { readonly model?: string }): Backfill;
}

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function createWorld(chunks = 0): Promise<World> {
  const server = await startEmbeddingServer();
  endings.push(() => server.stop());
  const [index, catalogue, faults] = [createVectorIndex(), createCatalogue(), [] as string[]];
  for (let n = 1; n <= chunks; n++) catalogue.add(n * 10, `chunk number ${n}`);
  return {
    server,
    index,
    catalogue,
    faults,
    begin({ model = "hash", ...more } = {}) {
      const backfill = createBackfill({
        embedder: createEmbedder({ kind: "ollama", url: server.url, model }),
        index,
        source: createChunkSource(catalogue, index),
        fault: (message) => void faults.push(message),
        firstWaitMs: 10,
        mostWaitMs: 40,
        batch: 8,
        sweepMs: 0,
        ...more,
      });
      endings.push(() => backfill.stop());
      backfill.start();
      return backfill;
    },
  };
}

const textsAsked = ({ server }: World): readonly string[] =>
  server.asked.flatMap(({ texts }) => texts).filter((text) => text !== "dimensions");

const until = async (isTrue: () => boolean | Promise<boolean>, withinMs = 5_000): Promise<void> => {
  const end = performance.now() + withinMs;
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error("It did not come true in time.");
    await delay(5);
  }
};

const collectionOf = async ({ index }: World): Promise<string> => (await index.collections())[0] ?? "";

test("every chunk gets its vector, in batches, and progress tells how far it is", async () => {
  const world = await createWorld(50);
  const backfill = world.begin();
  await backfill.settled();
  expect(await world.index.count(await collectionOf(world))).toBe(50);
  expect(new Set(textsAsked(world)).size).toBe(50);
  expect(textsAsked(world)).toHaveLength(50);
  expect(Math.max(...world.server.asked.map(({ texts }) => texts.length))).toBe(8);
  expect(world.server.atOnce).toBeLessThanOrEqual(2);
  expect(backfill.progress()).toMatchObject({
    state: "idle",
    model: "hash",
    done: 50,
    total: 50,
    refused: 0,
    lastError: undefined,
  });
  expect(backfill.progress().ratePerSecond).toBeGreaterThan(0);
});

test("new chunks are embedded and vanished ones removed after a nudge", async () => {
  const world = await createWorld(5);
  const backfill = world.begin();
  await backfill.settled();
  world.catalogue.add(70, "a new one");
  world.catalogue.remove(10);
  world.catalogue.remove(50);
  backfill.nudge();
  await until(async () => (await world.index.chunks(await collectionOf(world), 0, 99)).join() === "20,30,40,70");
});

test("the same text is embedded once, in a batch, later, and after its chunk has another number", async () => {
  const world = await createWorld();
  for (const chunk of [1, 2, 3]) world.catalogue.add(chunk, "the same");
  const backfill = world.begin();
  await backfill.settled();
  world.catalogue.add(4, "the same");
  await backfill.settled();
  // A file was renamed: its chunk goes, and comes back under another number.
  for (const chunk of [1, 2, 3, 4]) world.catalogue.remove(chunk);
  world.catalogue.add(99, "the same");
  await backfill.settled();
  expect(textsAsked(world)).toEqual(["the same"]);
  expect(await world.index.chunks(await collectionOf(world), 0, 99)).toEqual([99]);
});

test("after a restart it goes on where it stopped", async () => {
  const world = await createWorld(40);
  world.server.failAlways(() => (world.server.asked.length > 4 ? { kind: "status", status: 500 } : undefined));
  const first = world.begin({ concurrency: 1 });
  await until(() => first.progress().state === "waiting");
  await first.stop();
  const before = textsAsked(world).length;
  const kept = await world.index.count(await collectionOf(world));
  expect(kept).toBe(24);
  world.server.failAlways(undefined);
  await world.begin().settled();
  expect(await world.index.count(await collectionOf(world))).toBe(40);
  expect(textsAsked(world).length - before).toBe(40 - kept);
});

test("another model has a collection of its own, and the old one goes when the new one is complete", async () => {
  const world = await createWorld(10);
  const first = world.begin();
  await first.settled();
  const old = await collectionOf(world);
  await first.stop();
  await world.begin({ model: "other" }).settled();
  const now = await world.index.collections();
  expect(now).toHaveLength(1);
  expect(now).not.toContain(old);
  expect(await world.index.count(now[0] ?? "")).toBe(10);
});

test("it waits as long as a 429 asks, and nudges do not shorten that", async () => {
  const world = await createWorld(5);
  const backfill = world.begin();
  await backfill.settled();
  world.server.fail({ kind: "status", status: 429, headers: { "retry-after-ms": "300" } });
  world.catalogue.add(100, "late");
  const began = performance.now();
  backfill.nudge();
  await until(() => backfill.progress().state === "waiting");
  expect(backfill.progress().lastError).toMatch(/asked too often/);
  for (let n = 0; n < 5; n++) backfill.nudge();
  await until(() => backfill.progress().done === 6);
  expect(performance.now() - began).toBeGreaterThan(290);
  expect(backfill.progress().lastError).toBeUndefined();
});

test("it outlives every kind of failure, and tells each once", async () => {
  const world = await createWorld(30);
  world.server.fail(
    { kind: "reset" },
    { kind: "truncated" },
    { kind: "status", status: 500 },
    { kind: "status", status: 500 },
    { kind: "status", status: 500 },
  );
  const backfill = world.begin({ concurrency: 1 });
  await until(() => backfill.progress().done === 30);
  await until(() => backfill.progress().state === "idle");
  expect(world.faults).toHaveLength(3);
  expect(textsAsked(world).length).toBeLessThanOrEqual(30 + 5 * 8);
});

test("a text that the endpoint does not take is left out, and no other with it", async () => {
  const world = await createWorld(20);
  world.catalogue.add(55, "poison");
  world.server.failAlways(({ texts }) => (texts.includes("poison") ? { kind: "status", status: 400 } : undefined));
  const backfill = world.begin();
  await backfill.settled();
  expect(backfill.progress()).toMatchObject({ state: "idle", done: 20, total: 21, refused: 1 });
  const asked = world.server.asked.length;
  await backfill.settled();
  // It is not tried again and again.
  expect(world.server.asked.length).toBe(asked);
});

test("an endpoint that takes nothing at all is a failure, not a hundred refused texts", async () => {
  const world = await createWorld(20);
  world.server.failAlways(({ texts }) => (texts.includes("dimensions") ? undefined : { kind: "status", status: 400 }));
  const backfill = world.begin();
  await until(() => backfill.progress().state === "waiting");
  expect(backfill.progress()).toMatchObject({ refused: 0, done: 0 });
  world.server.failAlways(undefined);
  await until(() => backfill.progress().done === 20);
});

test("it makes way for queries", async () => {
  const world = await createWorld(30);
  let busy = true;
  const backfill = world.begin({ busy: () => busy });
  await delay(200);
  expect(textsAsked(world)).toEqual([]);
  busy = false;
  await until(() => backfill.progress().done === 30);
});

test("a chunk that vanishes while it is embedded gets no vector", async () => {
  const world = await createWorld(3);
  world.server.failAlways(() => ({ kind: "slow", ms: 100 }));
  const backfill = world.begin();
  await until(() => textsAsked(world).length > 0);
  world.catalogue.remove(20);
  await backfill.settled();
  expect(await world.index.chunks(await collectionOf(world), 0, 99)).toEqual([10, 30]);
});

test("stopping ends it at once, in the middle of a request", async () => {
  const world = await createWorld(30);
  world.server.failAlways(() => ({ kind: "slow", ms: 20_000 }));
  const backfill = world.begin();
  await until(() => world.server.asked.length > 0);
  const began = performance.now();
  const settled = backfill.settled();
  await backfill.stop();
  await settled;
  expect(performance.now() - began).toBeLessThan(1_000);
  expect(backfill.progress().state).toBe("stopped");
  expect(world.faults).toEqual([]);
});

test("an index that cannot be written is told without its own words, and tried again", async () => {
  const world = await createWorld(5);
  let broken = true;
  const put: VectorIndex["put"] = (...args) =>
    broken ? Promise.reject(new Error("/home/duck/vectors.db is full")) : world.index.put(...args);
  const backfill = world.begin({ index: { ...world.index, put } });
  await until(() => backfill.progress().state === "waiting");
  expect(backfill.progress().lastError).not.toContain("duck");
  broken = false;
  await until(() => backfill.progress().done === 5);
});
