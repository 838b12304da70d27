import { hash } from "node:crypto";
import type { Resource } from "@portcullis/contracts";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  type OpenAiStoreServer,
  startOpenAiStoreServer,
} from "../../../../../test/support/openai-store/openai-store-server.ts";
import type { WorldFile } from "../../../../../test/support/openai-store/store-api.ts";
import { createGuardedFetch } from "../../network/guarded-fetch.ts";
import { compilePolicy } from "../../policy/compile.ts";
import type { AttributeFilter } from "./attribute-filter.ts";
import { createOpenAiSource, type OpenAiSource, type OpenAiSourceOptions } from "./openai-source.ts";

const apiKey = "sk-test-abcdefghijklmnop1234567890";
const vectorStore = "vs_67f0c1a2";
const greenhouse = "# Grün\n\nBuild a greenhouse with a pump.\n\nThe größte greenhouse is 3 m wide.\n";
const files: WorldFile[] = [
  { id: "file-plan1", filename: "plan.md", text: greenhouse, attributes: { public: true, year: 2024 } },
  {
    id: "file-diary2",
    filename: "diary.md",
    text: "The greenhouse was a mistake.",
    attributes: { public: false, year: 2025 },
  },
  {
    id: "file-twice3",
    filename: "twice.txt",
    text: "A greenhouse pump.\n\nA greenhouse pump.",
    attributes: { public: true, year: 2020 },
  },
  { id: "file-waits4", filename: "waits.pdf", text: "greenhouse", status: "in_progress" },
  { id: "file-broke5", filename: "broke.bin", text: "", status: "failed", error: "unsupported_file" },
];

let server: OpenAiStoreServer;

beforeEach(async () => {
  server = await startOpenAiStoreServer({ apiKey, vectorStore, files });
});
afterEach(() => server.close());

const open = (more: Partial<OpenAiSourceOptions> = {}): OpenAiSource =>
  createOpenAiSource({
    name: "papers",
    apiKey,
    vectorStore,
    baseUrl: server.baseUrl,
    fetch: createGuardedFetch(),
    ...more,
  });
const signal = (): AbortSignal => new AbortController().signal;
const all = (): boolean => true;
const search = (
  source: OpenAiSource,
  query: string,
  more: { allows?: (resource: Resource) => boolean; limit?: number } = {},
) => source.search({ query, limit: 10, allows: all, signal: signal(), withinMs: 3_000, ...more });
const fetch = (source: OpenAiSource, id: string, maxBytes = 100_000) =>
  source.fetch(id, { maxBytes, signal: signal() });
const paths = (): readonly string[] => server.seen.map(({ method, path }) => `${method} ${path}`);
const bodies = (): readonly unknown[] =>
  server.seen.filter(({ method }) => method === "POST").map(({ body }) => JSON.parse(body));

test("search gives each file once, by its best passage, with a citation that the file's content proves", async () => {
  const hits = await search(open(), "greenhouse pump");
  expect(hits.map(({ id, title, text }) => ({ id, title, text }))).toEqual([
    { id: "papers/file-plan1", title: "plan.md", text: "Build a greenhouse with a pump." },
    { id: "papers/file-twice3", title: "twice.txt", text: "A greenhouse pump." },
    { id: "papers/file-diary2", title: "diary.md", text: "The greenhouse was a mistake." },
  ]);
  const { citation, text = "" } = hits[0] ?? {};
  expect(citation).toEqual({
    id: "papers/file-plan1",
    uri: `${server.baseUrl}/vector_stores/${vectorStore}/files/file-plan1`,
    start: 9,
    end: 9 + Buffer.byteLength(text),
    sha256: hash("sha256", text),
    stale: false,
  });
  expect(Buffer.from(greenhouse).subarray(citation?.start, citation?.end).toString()).toBe(text);
  // It stands there twice, so no place is its place.
  expect(hits[1]).not.toHaveProperty("citation");
});

test("a place is counted in bytes of UTF-8, and a passage that the content does not hold is not cited", async () => {
  const [found] = await search(open(), "größte");
  expect(Buffer.from(greenhouse).subarray(found?.citation?.start, found?.citation?.end).toString()).toBe(found?.text);
  const moved = [{ id: "file-moved", filename: "moved.md", text: "All new.", chunks: ["the old text"] }];
  const other = await startOpenAiStoreServer({ apiKey, vectorStore, files: moved });
  const [hit] = await search(open({ baseUrl: other.baseUrl }), "old");
  await other.close();
  expect(hit).toEqual({ id: "papers/file-moved", title: "moved.md", text: "the old text" });
});

test("what is sent is the query, the owner's settings and the key, and nothing about this machine", async () => {
  const filters = { type: "eq", key: "public", value: true } as const;
  const source = open({
    filters,
    ranker: "auto",
    scoreThreshold: 0.5,
    rewriteQuery: true,
    organization: "org-1",
    project: "proj-1",
  });
  await search(source, "  greenhouse pump ", { limit: 2 });
  expect(bodies()).toEqual([
    {
      query: "greenhouse pump",
      max_num_results: 50,
      rewrite_query: true,
      filters,
      ranking_options: { ranker: "auto", score_threshold: 0.5 },
    },
  ]);
  const { headers } = server.seen[0] ?? {};
  expect(headers).toMatchObject({
    authorization: `Bearer ${apiKey}`,
    "openai-organization": "org-1",
    "openai-project": "proj-1",
    "content-type": "application/json",
  });
  expect(Object.keys(headers ?? {}).filter((name) => name.startsWith("x-"))).toEqual([]);
  await search(open(), "x".repeat(10_000));
  expect(bodies()[1]).toEqual({ query: "x".repeat(4_096), max_num_results: 50, rewrite_query: false });
});

test("a blank query asks nobody, nor does one of a caller whose policy does not open the store", async () => {
  const source = open();
  expect(await search(source, " \n")).toEqual([]);
  expect(await search(source, "greenhouse", { allows: () => false })).toEqual([]);
  const reads = (resource: Resource): boolean => resource.kind === "url" && resource.method === "GET";
  expect(await search(source, "greenhouse", { allows: reads })).toEqual([]);
  expect(server.seen).toEqual([]);
});

test("policy opens the store by its URL, hides single files, and the default policy opens nothing of it", async () => {
  const texts = (extra: string): string => `
subject: duck
scopes:
  - tool: [search, fetch]
    allow: ["@served/**"${extra}]
    methods: [POST]
    deny: ["${server.baseUrl}/vector_stores/${vectorStore}/files/file-diary2"]
`;
  const judge = (text: string) => {
    const places = { home: "/home/duck", served: [{ name: "vault", path: "/srv/vault" }] };
    const { policy, faults } = compilePolicy([{ path: "p.yaml", text }], places);
    if (!policy) throw new Error(JSON.stringify(faults));
    const purpose = { text: "test", stated: true };
    return (resource: Resource, tool = "search"): boolean =>
      policy.decide({ subject: "duck", tool, effect: "read", resource, purpose, now: 0 }).effect === "allow";
  };
  const source = open();
  expect(await search(source, "greenhouse", { allows: judge(texts("")) })).toEqual([]);
  expect(server.seen).toEqual([]);
  const opened = judge(texts(`, "${server.baseUrl}/vector_stores/${vectorStore}/**"`));
  const hits = await search(source, "greenhouse", { allows: opened });
  expect(hits.map(({ id }) => id).toSorted()).toEqual(["papers/file-plan1", "papers/file-twice3"]);
  // What is hidden is not even looked at.
  expect(paths().filter((path) => path.includes("file-diary2"))).toEqual([]);
  expect(opened(source.resource("papers/file-diary2"), "fetch")).toBe(false);
  expect(opened(source.resource("papers/file-plan1"), "fetch")).toBe(true);
});

test("hidden files take no place of those that may be seen", async () => {
  const allows = (resource: Resource): boolean => resource.kind === "url" && !/plan1|twice3/.test(resource.href);
  const hits = await search(open(), "greenhouse pump", { allows, limit: 1 });
  expect(hits.map(({ id }) => id)).toEqual(["papers/file-diary2"]);
});

test("the owner's filter holds on this side too", async () => {
  const filters: AttributeFilter = {
    type: "and",
    filters: [
      { type: "eq", key: "public", value: true },
      { type: "gte", key: "year", value: 2024 },
    ],
  };
  const source = open({ filters });
  expect((await search(source, "greenhouse")).map(({ id }) => id)).toEqual(["papers/file-plan1"]);
  await expect(fetch(source, "papers/file-diary2")).rejects.toMatchObject({ code: "NOT_FOUND" });
  // A server that forgets the filter changes nothing.
  server.fault = ({ method }) =>
    method === "POST"
      ? {
          kind: "body",
          body: JSON.stringify({
            data: [
              {
                file_id: "file-diary2",
                filename: "d",
                score: 1,
                attributes: { public: false },
                content: [{ type: "text", text: "x" }],
              },
            ],
          }),
        }
      : undefined;
  expect(await search(source, "greenhouse")).toEqual([]);
});

test("a file's text is asked for once, whatever the number of searches", async () => {
  const source = open();
  for (let number = 0; number < 3; number++) await search(source, "3 m wide");
  expect(paths().filter((path) => path.endsWith("file-plan1/content"))).toHaveLength(1);
});

test("fetch gives the whole text with its citation", async () => {
  const document = await fetch(open(), "papers/file-plan1");
  const [bytes, sha256] = [Buffer.byteLength(greenhouse), hash("sha256", greenhouse)];
  expect(document).toEqual({
    id: "papers/file-plan1",
    title: "plan.md",
    text: greenhouse,
    metadata: { source: "papers", added: "2025-06-15T15:06:40.000Z", bytes: String(bytes), sha256 },
    citation: {
      id: "papers/file-plan1",
      uri: `${server.baseUrl}/vector_stores/${vectorStore}/files/file-plan1`,
      start: 0,
      end: bytes,
      sha256,
      stale: false,
    },
  });
});

test("a key that may not list files costs the title only", async () => {
  server.fault = ({ path }) => (path.startsWith("/v1/files/") ? { kind: "status", status: 403 } : undefined);
  expect(await fetch(open(), "papers/file-plan1")).toMatchObject({ title: "file-plan1", text: greenhouse });
});

test("what is no document is not found; what is none of this source's never gets into a request", async () => {
  const source = open();
  await expect(fetch(source, "papers/file-none")).rejects.toMatchObject({ code: "NOT_FOUND" });
  const asked = server.seen.length;
  for (const id of [
    "",
    "papers",
    "papers/",
    "papers/..",
    "papers/a/b",
    "papers/%2E%2E",
    "papers/a%2Fb",
    "other/file-plan1",
    "papers/a.b",
    "papers/a%3Fb",
    "papers/file-plan1!x",
    "papers/file%2Dplan1",
  ]) {
    await expect(fetch(source, id), id).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(() => source.resource(id), id).toThrow();
  }
  expect(server.seen).toHaveLength(asked);
});

test("a document that is too large, or not ready, is refused whole", async () => {
  await expect(fetch(open(), "papers/file-plan1", 10)).rejects.toMatchObject({
    code: "TOO_LARGE",
    details: { maxBytes: 10 },
  });
  await expect(fetch(open(), "papers/file-waits4")).rejects.toMatchObject({
    code: "UPSTREAM",
    details: { reason: "in_progress" },
  });
});

test("the owner sees the store's state and, over all pages, what it could not read", async () => {
  expect(await open().status(signal())).toEqual({
    state: "completed",
    files: { total: 5, completed: 3, pending: 1 },
    failures: [{ file: "file-broke5", reason: "unsupported_file" }],
  });
  const many = Array.from({ length: 250 }, (_, number) => ({ ...(files[4] as WorldFile), id: `file-${number}` }));
  const other = await startOpenAiStoreServer({ apiKey, vectorStore, files: many });
  const { failures } = await open({ baseUrl: other.baseUrl }).status(signal());
  await other.close();
  expect(failures.map(({ file }) => file)).toEqual(many.map(({ id }) => id));
  expect(other.seen.map(({ path }) => new URL(path, "http://x").searchParams.get("after"))).toEqual([
    null,
    null,
    "file-99",
    "file-199",
  ]);
});

test("settings that cannot be used are refused, without a word of the key", () => {
  for (const more of [
    { name: "Papers" },
    { name: "a/b" },
    { vectorStore: "vs/../x" },
    { vectorStore: "" },
    { apiKey: "" },
    { apiKey: "sk secret" },
    { baseUrl: "http://api.example.com/v1" },
    { baseUrl: "https://user:secret@api.example.com/v1" },
    { baseUrl: "https://api.example.com/v1?key=secret" },
    { baseUrl: "api.example.com" },
  ]) {
    let message = "";
    try {
      open(more);
    } catch (error) {
      message = String(error);
    }
    expect(message, JSON.stringify(more)).toMatch(/^Error: /);
    expect(message).not.toContain("secret");
  }
  expect(open({ baseUrl: "https://eu.api.example.com/v1/" }).resource("papers/file-1")).toEqual({
    kind: "url",
    href: `https://eu.api.example.com/v1/vector_stores/${vectorStore}/files/file-1`,
    method: "GET",
  });
  expect(open().labels).toEqual({ private: "papers", egress: true });
  expect(open({ untrusted: true }).labels).toEqual({ private: "papers", egress: true, untrusted: true });
});
