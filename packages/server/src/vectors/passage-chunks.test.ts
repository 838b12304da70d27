import { expect, onTestFinished, test } from "vitest";
import { startEmbeddingServer } from "../../../../test/support/embeddings/embedding-server.ts";
import { createMemoryTextIndex } from "../stores/memory/text-index.ts";
import { createVectorIndex } from "../stores/memory/vector-index.ts";
import type { IndexChange, TextIndex } from "../stores/store.ts";
import { createBackfill } from "./backfill.ts";
import { createChunkSource } from "./chunk-source.ts";
import { createEmbedder } from "./create-embedder.ts";
import { createPassageChunks, fromChunk, toChunk } from "./passage-chunks.ts";

const stamp = { size: 1, mtimeNs: 1n, ino: 1n };
const none = new Uint8Array(0);

/** Puts one file with these passages into the index. */
async function put(index: TextIndex, path: string, ...texts: readonly string[]): Promise<void> {
  const key = { source: "/s", path };
  const passages = texts.map((text, n) => ({
    start: n,
    end: n + 1,
    sha256: "ab".repeat(32),
    text,
    label: `part ${n}`,
  }));
  const facts = {
    number: 0,
    part: "",
    sha256: "cd".repeat(32),
    title: path,
    language: "en",
    time: 1,
    about: 1,
    words: 1,
  };
  const changes: IndexChange[] = [
    { kind: "add", key, documents: [{ ...facts, facts: {}, passages }] },
    { kind: "done", key, stamp, sha256: "ef", parts: new Set([""]) },
  ];
  const block = { first: "a", postings: none, positions: none };
  await index.apply(changes, {
    documents: Uint32Array.of(0),
    lengths: Uint16Array.of(1),
    blocks: [block],
    vocabulary: "",
  });
}

test("chunks are passages by document and place, in pages", async () => {
  const index = createMemoryTextIndex();
  await put(index, "a.md", "one", "two", "three");
  await put(index, "b.md", "four");
  const chunks = createPassageChunks(index);
  const ids = await chunks.ids(0, 10);
  expect(ids.map(fromChunk)).toEqual([
    { document: 1, place: 0 },
    { document: 1, place: 1 },
    { document: 1, place: 2 },
    { document: 2, place: 0 },
  ]);
  expect(await chunks.ids(ids[0] ?? 0, 2)).toEqual(ids.slice(1, 3));
  expect(await chunks.ids(ids[3] ?? 0, 2)).toEqual([]);
  expect(await chunks.count()).toBe(4);
  expect((await chunks.read([ids[1] ?? 0, toChunk(9, 0), toChunk(1, 7)])).map(({ text }) => text)).toEqual([
    "a.md\npart 1\ntwo",
  ]);
  expect(await chunks.present([...ids, toChunk(9, 0), toChunk(1, 7)])).toEqual(new Set(ids));
});

test("an index is backfilled as its files change, and only with what is new", async () => {
  const server = await startEmbeddingServer();
  onTestFinished(() => server.stop());
  const [index, vectors] = [createMemoryTextIndex(), createVectorIndex()];
  const chunks = createPassageChunks(index);
  await put(index, "a.md", "one", "two");
  const backfill = createBackfill({
    embedder: createEmbedder({ kind: "openai", url: `${server.url}/v1`, model: "hash", dimensions: 32 }),
    index: vectors,
    source: createChunkSource(chunks, vectors),
    fault: () => {},
    sweepMs: 0,
  });
  backfill.start();
  await backfill.settled();
  await put(index, "b.md", "three");
  // It is read anew: its document has another id, its first passage the same text.
  await put(index, "a.md", "one", "two and a half");
  await backfill.settled();
  const [collection = ""] = await vectors.collections();
  expect(await vectors.chunks(collection, 0, 99)).toEqual(await chunks.ids(0, 99));
  expect(await vectors.count(collection)).toBe(3);
  expect(server.asked.flatMap(({ texts }) => texts).map((text) => text.split("\n").at(-1))).toEqual([
    "one",
    "two",
    "three",
    "two and a half",
  ]);
  await index.apply([{ kind: "remove", key: { source: "/s", path: "a.md" } }], {
    documents: Uint32Array.of(),
    lengths: Uint16Array.of(),
    blocks: [],
    vocabulary: "",
  });
  await backfill.settled();
  expect(await vectors.count(collection)).toBe(1);
  await backfill.stop();
});
