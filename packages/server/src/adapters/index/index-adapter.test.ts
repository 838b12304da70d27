import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { CallError, type Citation, type Resource } from "@portcullis/contracts";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { add, remove } from "../../search/additions.ts";
import { createCatalog } from "../../search/catalog.ts";
import { addChat } from "../../search/chats.ts";
import { createIndexer } from "../../search/indexer.ts";
import { createSearcher } from "../../search/searcher.ts";
import { openTextIndex } from "../../stores/sqlite/text-index.ts";
import type { TextIndex } from "../../stores/store.ts";
import type { Adapter, Permit, Tool } from "../adapter.ts";
import { createIndexAdapter } from "./index-adapter.ts";

let home: string;
let root: string;
let index: TextIndex;
let adapter: Adapter;
let settled: () => Promise<void>;

const isHidden = (resource: Resource): boolean => resource.kind === "path" && resource.path.includes("/private/");
const permit = (more: Partial<Permit> = {}): Permit =>
  ({
    subject: "duck",
    tool: "t",
    resources: [],
    maxBytes: 100_000,
    allows: (r: Resource) => !isHidden(r),
    view: {},
    ...more,
  }) as Permit;

beforeEach(async () => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "index-adapter-")));
  root = join(home, "vault");
  write("notes/My plan.md", "---\ntitle: The plan\n---\n\nBuild a greenhouse with a pump.\n");
  write("notes/größe.md", "# Sizes\n\nThe greenhouse is 3 m wide.\n");
  write("private/diary.md", "# Diary\n\nThe greenhouse was a mistake.\n");
  write("private/blob.bin", "x");
  write("photo.jpg", "x");
  write(".gitignore", "secret.txt\n");
  write("secret.txt", "greenhouse\n");
  index = openTextIndex({ path: join(home, "index.db") });
  const folders = [{ name: "vault", path: root }];
  const indexer = createIndexer({ index, folders, fault: () => {} });
  adapter = createIndexAdapter({
    name: "vault",
    index,
    indexer,
    searcher: createSearcher({ index, catalog: createCatalog(index), folders }),
    folders,
    permalink: (id) => `http://127.0.0.1:8088/d/${id}`,
    additions: {
      add: (addition) => add(index, addition),
      remove: (url) => remove(index, url),
      addChat: (chat) => addChat(index, chat),
    },
    look: async (path) => ({ mtimeMs: statSync(path).mtimeMs }),
    read: async (path) => ({ bytes: readFileSync(path), mtimeMs: statSync(path).mtimeMs }),
    labels: { private: "vault" },
  });
  settled = () => indexer.settled();
  await adapter.start?.(new AbortController().signal);
  await settled();
});
afterEach(async () => {
  await adapter.stop?.();
  await index.close();
  rmSync(home, { recursive: true });
});

function write(path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

const ajv = new Ajv2020({ strict: true });
const tool = (name: string): Tool<unknown, unknown> => {
  const found = adapter.tools().find((each) => each.name === name);
  if (!found) throw new Error(name);
  return found as unknown as Tool<unknown, unknown>;
};

/** Runs a tool as the corridor does, and holds its answer against its schema. */
async function call<T>(name: string, input: unknown, by = permit()): Promise<T> {
  const { input: accepts, output: answers, run, touches, filter } = tool(name);
  expect(ajv.validate(accepts, input)).toBe(true);
  await touches(input);
  const output = await run(input, { permit: by, signal: new AbortController().signal, progress: () => {} });
  expect(ajv.validate(answers, output)).toBe(true);
  if (filter) expect(filter(output, by.allows)).toEqual(output);
  return output as T;
}

type Results = { results: { id: string; title: string; text: string; url: string }[] };

test("search gives the shape that ChatGPT expects, without what policy hides", async () => {
  const { results } = await call<Results>("search", { query: "greenhouse" });
  expect(results.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual([
    {
      id: "vault/notes/My%20plan.md",
      title: "The plan",
      text: "---\ntitle: The plan\n---\n\nBuild a greenhouse with a pump.",
      url: "http://127.0.0.1:8088/d/vault/notes/My%20plan.md",
    },
    {
      id: "vault/notes/gr%C3%B6%C3%9Fe.md",
      title: "Sizes",
      text: "# Sizes\n\nThe greenhouse is 3 m wide.",
      url: "http://127.0.0.1:8088/d/vault/notes/gr%C3%B6%C3%9Fe.md",
    },
  ]);
  expect(await call("search", { query: "  " })).toEqual({ results: [] });
  expect((await call<Results>("search", { query: "greenhouse", limit: 1 })).results).toHaveLength(1);
  expect((await call<Results>("search", { query: "greenhouse" }, permit({ maxBytes: 10 }))).results).toEqual([]);
  expect(tool("search").touches({ query: "x" })).toEqual([{ kind: "index", name: "vault", collection: true }]);
});

test("each answer has its citations, also after the corridor's own filter", async () => {
  const { filter, citations } = tool("search");
  const output = await call<Results>("search", { query: "greenhouse" });
  const onlyPlan = (resource: Resource): boolean => resource.kind === "path" && resource.path.endsWith("plan.md");
  const shown = filter?.(output, onlyPlan) as Results;
  expect(shown.results.map(({ title }) => title)).toEqual(["The plan"]);
  const given: readonly Citation[] = citations?.(shown) ?? [];
  expect(given).toHaveLength(1);
  const [citation] = given;
  const bytes = readFileSync(join(root, "notes/My plan.md"));
  expect(citation).toMatchObject({ id: "vault/notes/My%20plan.md", start: 0, stale: false });
  expect(bytes.toString("utf8", citation?.start, citation?.end)).toBe(shown.results[0]?.text);

  const fetched = await call("fetch", { id: "vault/notes/My%20plan.md" });
  expect(tool("fetch").citations?.(fetched)).toMatchObject([{ start: 0, end: bytes.length, stale: false }]);
});

test("fetch reads the file as it is now", async () => {
  const id = "vault/notes/My%20plan.md";
  write("notes/My plan.md", "\uFEFFAll new.\n");
  const document = await call<Record<string, unknown>>("fetch", { id });
  expect(document).toMatchObject({
    id,
    title: "The plan",
    text: "All new.\n",
    url: `http://127.0.0.1:8088/d/${id}`,
    metadata: { path: "notes/My plan.md", source: "vault", bytes: "12" },
  });
  expect(tool("fetch").touches({ id })).toEqual([{ kind: "path", path: `${root}/notes/My plan.md` }]);
});

test("what is no document is not found, whatever the id tries; what is too large is told so", async () => {
  for (const id of [
    "",
    "vault",
    "vault/none.md",
    "vault/secret.txt",
    "vault/photo.jpg",
    "vault/.git/config",
    "other/notes/My%20plan.md",
    "vault/notes/My plan.md",
    "vault/notes/../notes/My%20plan.md",
    "vault/notes/%2e%2e/private/diary.md",
    "vault/notes%2FMy%20plan.md",
    "vault//notes/My%20plan.md",
    `${root}/notes/My plan.md`,
  ]) {
    await expect(call("fetch", { id }), id).rejects.toMatchObject({ code: "NOT_FOUND" });
  }
  const tooLarge = call("fetch", { id: "vault/notes/My%20plan.md" }, permit({ maxBytes: 5 }));
  await expect(tooLarge).rejects.toBeInstanceOf(CallError);
  await expect(tooLarge).rejects.toMatchObject({ code: "TOO_LARGE", details: { maxBytes: 5 } });
});

test("index.query gives passages with their spans, by filters", async () => {
  const { chunks } = await call<{ chunks: Record<string, unknown>[] }>("index.query", {
    query: "greenhouse",
    filters: { path: "notes/*plan*", source: "vault" },
  });
  expect(chunks).toHaveLength(1);
  expect(chunks[0]).toMatchObject({ id: "vault/notes/My%20plan.md", start: 0, stale: false });
  expect(await call("index.query", { query: "greenhouse", filters: { source: "other" } })).toEqual({ chunks: [] });
});

test("index.status counts only what the caller may see", async () => {
  const all = await call<Record<string, unknown>>("index.status", {}, permit({ allows: () => true }));
  expect(all).toMatchObject({ documents: 4, pending: 0, failed: 2, progress: { state: "following", secondsLeft: 0 } });
  const some = await call<Record<string, unknown>>("index.status", {});
  expect(some).toMatchObject({
    documents: 3,
    failed: 1,
    failures: [{ path: "vault/photo.jpg", reason: expect.stringContaining(".jpg") }],
    progress: { done: 4, total: 4 },
  });
});

test("a text that was added is found under its URL by whom policy lets read that, fetched, replaced and removed", async () => {
  const uri = "https://notes.example/plans/1?x=ä";
  const url = new URL(uri).href;
  const reader = permit({
    view: {},
    allows: (resource: Resource) => resource.kind === "index" || (resource.kind === "url" && resource.href === url),
  });
  const { job, id } = await call<{ job: string; id: string }>("index.add", {
    uri,
    text: "# Windmill\n\nThe windmill needs new sails.\n",
    metadata: { tags: ["#Energy/Wind"], modified: "2024-05-01T10:00:00Z" },
  });
  await vi.waitFor(async () => expect(await call("index.status", { job })).toMatchObject({ job: "done" }));
  const { results } = await call<Results>("search", { query: "windmill" }, reader);
  expect(results).toMatchObject([{ id, title: "1", url: `http://127.0.0.1:8088/d/${id}` }]);
  const other = permit({ view: {}, allows: (resource: Resource) => resource.kind !== "url" });
  expect((await call<Results>("search", { query: "windmill" }, other)).results).toEqual([]);
  const { chunks } = await call<{ chunks: unknown[] }>(
    "index.query",
    { query: "tag:energy after:2024-05 sails" },
    reader,
  );
  expect(chunks).toMatchObject([{ uri: url, stale: false, derived: true, label: "Windmill" }]);
  const fetched = await call<Record<string, unknown>>("fetch", { id }, reader);
  expect(fetched).toMatchObject({
    text: "# Windmill\n\nThe windmill needs new sails.\n",
    metadata: { source: "added" },
  });

  await call("index.add", { uri, text: "Only a waterwheel now.\n" });
  await vi.waitFor(async () =>
    expect((await call<Results>("search", { query: "waterwheel" }, reader)).results).toHaveLength(1),
  );
  expect((await call<Results>("search", { query: "windmill" }, reader)).results).toEqual([]);
  expect(await call("index.remove", { uri })).toEqual({ removed: true });
  expect(await call("index.remove", { uri })).toEqual({ removed: false });
  expect((await call<Results>("search", { query: "waterwheel" }, reader)).results).toEqual([]);
  for (const bad of ["file:///etc/passwd", "notes/a.md", "https://user:pw@x.example/"])
    await expect(call("index.add", { uri: bad, text: "x" })).rejects.toMatchObject({ code: "VALIDATION_ERROR" });
});
