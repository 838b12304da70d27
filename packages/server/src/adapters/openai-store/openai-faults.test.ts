import { inspect } from "node:util";
import { CallError } from "@portcullis/contracts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  type Fault,
  type OpenAiStoreServer,
  type Seen,
  startOpenAiStoreServer,
} from "../../../../../test/support/openai-store/openai-store-server.ts";
import { createGuardedFetch } from "../../network/guarded-fetch.ts";
import { askSources } from "../search-source.ts";
import { createOpenAiSource, type OpenAiSource, type OpenAiSourceOptions } from "./openai-source.ts";

const apiKey = "sk-test-abcdefghijklmnop1234567890";
const vectorStore = "vs_67f0c1a2";
const files = [{ id: "file-plan1", filename: "plan.md", text: "A greenhouse." }];
const id = "papers/file-plan1";

let server: OpenAiStoreServer;

beforeEach(async () => {
  server = await startOpenAiStoreServer({ apiKey, vectorStore, files });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await server.close();
});

const open = (more: Partial<OpenAiSourceOptions> = {}): OpenAiSource =>
  createOpenAiSource({
    name: "papers",
    apiKey,
    vectorStore,
    baseUrl: server.baseUrl,
    fetch: createGuardedFetch(),
    ...more,
  });
const search = (source: OpenAiSource, { withinMs = 3_000, signal = new AbortController().signal } = {}) =>
  source.search({ query: "greenhouse", limit: 10, allows: () => true, signal, withinMs });
const isSearch = ({ path }: Seen): boolean => path.endsWith("/search");
const searches = (): number => server.seen.filter(isSearch).length;

/** The faults of the searches, one after the other; then all is well. */
function failFirst(...faults: readonly Fault[]): void {
  const left = [...faults];
  server.fault = (asked) => (isSearch(asked) ? left.shift() : undefined);
}

const refusalOf = async (asked: Promise<unknown>): Promise<CallError> => {
  const error = await asked.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CallError)) throw new Error(`No refusal: ${inspect(error)}`);
  const everything = inspect(error, { depth: 20, showHidden: true });
  expect(everything).not.toContain("sk-test");
  expect(everything).not.toContain("abcdefghijklmnop");
  expect(error.details).toMatchObject({ source: "papers", next: expect.stringMatching(/\.$/) });
  return error;
};

test.each<[string, Fault, object]>([
  ["a wrong key", { kind: "status", status: 401, code: "invalid_api_key" }, { reason: "key", status: 401 }],
  ["a key without the right", { kind: "status", status: 403 }, { reason: "key", status: 403 }],
  ["no such store", { kind: "status", status: 404 }, { reason: "not_found", status: 404 }],
  [
    "a request that is not liked",
    { kind: "status", status: 400, code: "invalid_value" },
    { reason: "request", status: 400 },
  ],
  ["a quota used up", { kind: "status", status: 429, code: "insufficient_quota" }, { reason: "quota", status: 429 }],
  ["a page of HTML", { kind: "body", body: "<html>sk-test-abcdefghijklmnop</html>" }, { reason: "answer" }],
  ["a page that says so", { kind: "body", body: "<html>", type: "text/html" }, { reason: "answer" }],
  ["nothing", { kind: "body", body: "" }, { reason: "answer" }],
  ["null", { kind: "body", body: "null" }, { reason: "answer" }],
  ["an answer without a list", { kind: "body", body: "{}" }, { reason: "answer" }],
  ["a hit without a file", { kind: "body", body: '{"data":[{"content":[]}]}' }, { reason: "answer" }],
  ["a file that is a path", { kind: "body", body: '{"data":[{"file_id":"../x","content":[]}]}' }, { reason: "answer" }],
  ["a hit without content", { kind: "body", body: '{"data":[{"file_id":"file-1"}]}' }, { reason: "answer" }],
  [
    "text that is none",
    { kind: "body", body: '{"data":[{"file_id":"file-1","content":[{"type":"text","text":1}]}]}' },
    { reason: "answer" },
  ],
  ["a redirect to another host", { kind: "redirect", location: "https://example.com/" }, { reason: "redirect_body" }],
  ["a redirect on the same host", { kind: "redirect", location: "/v1/elsewhere" }, { reason: "redirect_policy" }],
  ["bytes that are no text", { kind: "body", body: "x", type: "image/png" }, { reason: "content_type" }],
])("%s is told once, as the source's fault, and not tried again", async (_what, fault, details) => {
  server.fault = () => fault;
  const refusal = await refusalOf(search(open()));
  expect(refusal).toMatchObject({ code: "UPSTREAM", details });
  expect(server.seen).toHaveLength(1);
});

test("the answer of a real server to a wrong key and a wrong store", async () => {
  const wrong = "sk-test-wrongwrongwrongwrong";
  const refusal = await refusalOf(search(open({ apiKey: wrong })));
  expect(refusal).toMatchObject({ code: "UPSTREAM", details: { reason: "key" } });
  expect(inspect(refusal, { depth: 20 })).not.toContain("wrongwrong");
  expect(await refusalOf(search(open({ vectorStore: "vs_other" })))).toMatchObject({
    details: { reason: "not_found" },
  });
});

test.each<[string, Fault]>([
  ["500", { kind: "status", status: 500 }],
  ["503", { kind: "status", status: 503 }],
  ["429 with a short wait", { kind: "status", status: 429, headers: { "retry-after-ms": "20" } }],
  ["429 without a word on when", { kind: "status", status: 429 }],
  ["a truncated answer", { kind: "truncated" }],
  ["a connection that is reset", { kind: "reset" }],
])("%s passes: it is tried again", async (_what, fault) => {
  failFirst(fault, fault);
  expect(await search(open())).toHaveLength(1);
  expect(searches()).toBe(3);
  failFirst(fault, fault, fault, fault);
  const refusal = await refusalOf(search(open()));
  expect(refusal.code).toBe("UPSTREAM");
  expect(searches()).toBe(6);
});

test("a wait that the server names is kept to", async () => {
  failFirst({ kind: "status", status: 429, headers: { "retry-after": "1" } });
  const before = performance.now();
  expect(await search(open())).toHaveLength(1);
  expect(performance.now() - before).toBeGreaterThanOrEqual(990);
});

test("a wait that is longer than the caller's is told at once, and the source left alone meanwhile", async () => {
  const source = open();
  server.fault = () => ({ kind: "status", status: 429, headers: { "retry-after": "30" } });
  const before = performance.now();
  expect(await refusalOf(search(source))).toMatchObject({
    code: "UPSTREAM",
    details: { reason: "rate", retryAfterMs: 30_000 },
  });
  server.fault = undefined;
  const { details } = await refusalOf(search(source));
  expect(details?.retryAfterMs).toBeGreaterThan(28_000);
  expect(details?.retryAfterMs).toBeLessThanOrEqual(30_000);
  expect(searches()).toBe(1);
  expect(performance.now() - before).toBeLessThan(1_000);
});

test("a server that never answers is left at the deadline; a slow one is waited for until then", async () => {
  server.fault = (asked) => (isSearch(asked) ? { kind: "hang" } : undefined);
  const before = performance.now();
  expect(await refusalOf(search(open(), { withinMs: 200 }))).toMatchObject({
    code: "TIMEOUT",
    details: { reason: "timeout" },
  });
  expect(performance.now() - before).toBeLessThan(1_500);
  failFirst({ kind: "slow", ms: 300 });
  expect(await search(open())).toHaveLength(1);
});

test("retries end with the caller's signal", async () => {
  server.fault = () => ({ kind: "status", status: 500 });
  const controller = new AbortController();
  const asked = search(open(), { signal: controller.signal });
  await vi.waitFor(() => expect(searches()).toBe(1));
  controller.abort(new CallError("CANCELLED", "The caller withdrew the call."));
  await expect(asked).rejects.toMatchObject({ code: "CANCELLED" });
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(searches()).toBe(1);
});

test("an answer over the cap is refused before it is read", async () => {
  const fetch = createGuardedFetch({ limits: { bodyBytes: 10_000 } });
  server.fault = () => ({ kind: "body", body: `{"data":[],"x":"${"x".repeat(20_000)}"}` });
  expect(await refusalOf(search(open({ fetch })))).toMatchObject({ code: "TOO_LARGE" });
  expect(server.seen).toHaveLength(1);
});

test("a server that is not there, and an address that may not be reached", async () => {
  const { baseUrl } = server;
  await server.close();
  expect(await refusalOf(search(open({ baseUrl })))).toMatchObject({
    code: "UPSTREAM",
    details: { reason: "connect" },
  });
  const inside = createGuardedFetch({ lookup: async () => ["192.168.1.7"] });
  const refusal = await refusalOf(search(open({ baseUrl: "https://nas.example.com/v1", fetch: inside })));
  expect(refusal).toMatchObject({ code: "UPSTREAM", details: { reason: "address" } });
  expect(refusal.message).not.toContain("192.168");
});

test.each<Fault>([
  { kind: "status", status: 500 },
  { kind: "status", status: 404 },
  { kind: "truncated" },
  { kind: "hang" },
  { kind: "body", body: "{}" },
  { kind: "body", body: '{"data":[{"type":"text","text":"A green"}],"has_more":true}' },
])("without the file's content a search goes well, with no citation: $kind", async (fault) => {
  server.fault = ({ path }) => (path.endsWith("/content") ? fault : undefined);
  const before = performance.now();
  expect(await search(open(), { withinMs: 600 })).toEqual([{ id, title: "plan.md", text: "A greenhouse." }]);
  expect(performance.now() - before).toBeLessThan(600);
});

test("fetch fails as a whole: half a document is none", async () => {
  const fetch = (source: OpenAiSource) => source.fetch(id, { maxBytes: 1_000, signal: new AbortController().signal });
  const onContent = (fault: Fault): void => {
    server.fault = ({ path }) => (path.endsWith("/content") ? fault : undefined);
  };
  onContent({ kind: "body", body: '{"data":[{"type":"text","text":"A green"}],"has_more":true}' });
  expect(await refusalOf(fetch(open()))).toMatchObject({ code: "UPSTREAM", details: { reason: "answer" } });
  onContent({ kind: "truncated" });
  expect(await refusalOf(fetch(open()))).toMatchObject({ code: "UPSTREAM", details: { reason: "answer" } });
  onContent({ kind: "status", status: 401 });
  expect(await refusalOf(fetch(open()))).toMatchObject({ code: "UPSTREAM", details: { reason: "key" } });
});

test("variables meant for other programs change nothing, and nothing is printed", async () => {
  vi.stubEnv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1");
  vi.stubEnv("OPENAI_API_KEY", "sk-test-of-another-program");
  vi.stubEnv("OPENAI_ORG_ID", "org-other");
  vi.stubEnv("OPENAI_PROJECT_ID", "proj-other");
  vi.stubEnv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer stolen\nX-Leak: yes");
  vi.stubEnv("OPENAI_LOG", "debug");
  const printed = (["debug", "info", "log", "warn", "error"] as const).map((level) => vi.spyOn(console, level));
  failFirst({ kind: "status", status: 500 });
  expect(await search(open())).toHaveLength(1);
  for (const { headers } of server.seen) {
    expect(headers.authorization).toBe(`Bearer ${apiKey}`);
    expect(Object.keys(headers).filter((name) => /^(x-|openai-(org|proj))/.test(name))).toEqual([]);
  }
  for (const spy of printed) expect(spy).not.toHaveBeenCalled();
});

test("the results of others stay when this one fails, with a note that tells nothing of it", async () => {
  server.fault = () => ({ kind: "status", status: 401, code: "invalid_api_key" });
  const well = await startOpenAiStoreServer({ apiKey, vectorStore, files });
  const sources = [open(), open({ name: "books", baseUrl: well.baseUrl })];
  const answers = await askSources(sources, {
    query: "greenhouse",
    limit: 10,
    allows: () => true,
    signal: new AbortController().signal,
  });
  await well.close();
  expect(answers.lists.map((hits) => hits.map((hit) => hit.id))).toEqual([[], ["books/file-plan1"]]);
  expect(answers.notes).toEqual(["papers does not accept the server's key. Its results are missing."]);
});

test("many searches at once are all answered, and what they leave out is the citation at most", async () => {
  const source = open();
  const answers = await Promise.all(Array.from({ length: 60 }, () => search(source)));
  expect(answers.map((hits) => hits.map((hit) => hit.id))).toEqual(answers.map(() => [id]));
  const refused = await Promise.allSettled(Array.from({ length: 200 }, () => search(source)));
  const codes = new Set(
    refused.flatMap((each) => (each.status === "rejected" ? [(each.reason as CallError).code] : [])),
  );
  expect([...codes]).toEqual(["UNAVAILABLE"]);
});

test("looking for citations never stands in the way of a search", async () => {
  server.fault = ({ path }) => (path.endsWith("/content") ? { kind: "hang" } : undefined);
  const source = open();
  const slow = Array.from({ length: 10 }, () => search(source));
  await vi.waitFor(() => expect(server.seen.filter(({ path }) => path.endsWith("/content"))).toHaveLength(4));
  expect(await search(source, { withinMs: 600 })).toHaveLength(1);
  expect((await Promise.all(slow)).flat()).toHaveLength(10);
});
