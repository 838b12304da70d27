import { createHash } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createMemoryTextIndex } from "../stores/memory/text-index.ts";
import { openTextIndex } from "../stores/sqlite/text-index.ts";
import type { TextIndex } from "../stores/store.ts";
import { createCatalog } from "./catalog.ts";
import type { Hit } from "./cite.ts";
import { createIndexer } from "./indexer.ts";
import { createSearcher, type SearchRequest } from "./searcher.ts";

let home: string;
let root: string;
const closers: (() => Promise<void>)[] = [];
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "search-")));
  root = join(home, "vault");
  mkdirSync(root);
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  rmSync(home, { recursive: true });
});

function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

const faults: unknown[] = [];
const fault = (...told: unknown[]): void => void faults.push(told);

/** Indexes the vault once, and gives a search over it. */
async function indexed(index: TextIndex = createMemoryTextIndex()) {
  const folders = [{ name: "vault", path: root }];
  closers.push(() => index.close());
  const indexer = createIndexer({ index, folders, fault });
  await indexer.start();
  await indexer.settled();
  await indexer.stop();
  const searcher = createSearcher({ index, catalog: createCatalog(index), folders });
  return async (query: string, more: Partial<SearchRequest> = {}): Promise<readonly Hit[]> =>
    (
      await searcher.search({
        query,
        limit: 10,
        per: "document",
        allows: () => true,
        view: {},
        signal: new AbortController().signal,
        ...more,
      })
    ).hits;
}

const paths = (hits: readonly Hit[]): string[] => hits.map(({ id }) => id.replace("vault/", ""));

test("a title counts most, and a path counts too", async () => {
  write("one.md", "# Other\n\nThe greenhouse is cold.\n");
  write("greenhouse/two.md", "# Something\n\nNothing more.\n");
  write("three.md", "# Greenhouse\n\nNothing more.\n");
  const search = await indexed();
  const found = paths(await search("greenhouse"));
  expect(found[0]).toBe("three.md");
  expect(found.sort()).toEqual(["greenhouse/two.md", "one.md", "three.md"]);
});

test("the passage is the best one of its document, not its start", async () => {
  const filler = "Plain words that say nothing about it. ".repeat(60);
  write("long.md", `# Log\n\n${filler}\n\n## Pump\n\nThe pump broke on the ninth of May.\n\n## Later\n\n${filler}\n`);
  const search = await indexed();
  const [hit] = await search("when did the pump break in may?");
  expect(hit?.text).toContain("ninth of May");
  expect(hit?.text.startsWith("## Pump")).toBe(true);
});

test("a quoted phrase has to stand in the document; Chinese and identifiers are found", async () => {
  write("a.md", "the red door and the blue window\n");
  write("b.md", "the blue door and the red window\n");
  write("c.md", "我住在东京都，喜欢温室。\n");
  write("src/limits.ts", "export const maxInFlight = 8;\n");
  const search = await indexed();
  expect(paths(await search('"blue door"'))).toEqual(["b.md"]);
  expect(paths(await search("东京"))).toEqual(["c.md"]);
  expect(paths(await search("max in flight"))).toEqual(["src/limits.ts"]);
  expect(paths(await search("max_in_flight"))).toEqual(["src/limits.ts"]);
  expect(await search(" ?! ")).toEqual([]);
});

test("each passage, read back, is byte for byte the cited one", async () => {
  const piece = fc.oneof(
    fc.constantFrom("# Heading\r\n", "\n\n", "needle ", "👩‍🚀 ", "语言", "é".repeat(900), "- item\n", "\uFEFF"),
    fc.lorem({ maxCount: 80 }),
  );
  const file = fc
    .tuple(
      fc.boolean(),
      fc.array(
        fc.oneof(
          piece.map((text) => Buffer.from(text)),
          fc.uint8Array({ min: 1, maxLength: 9 }),
        ),
        { maxLength: 30 },
      ),
    )
    .map(([bom, pieces]) =>
      Buffer.concat([Buffer.from(bom ? [0xef, 0xbb, 0xbf] : []), Buffer.from("needle "), ...pieces]),
    );
  let number = 0;
  for (const bytes of fc.sample(file, { numRuns: 150, seed: 7 })) write(`f${number++}.md`, bytes);
  const search = await indexed(openTextIndex({ path: join(home, "index.db") }));
  const hits = await search("needle", { limit: 1_000, per: "passage" });
  expect(new Set(paths(hits)).size).toBeGreaterThan(100);
  for (const hit of hits) {
    const span = readFileSync(fileURLToPath(hit.uri)).subarray(hit.start, hit.end);
    expect(createHash("sha256").update(span).digest("hex")).toBe(hit.sha256);
    expect(span.toString("utf8")).toBe(hit.text);
    expect(hit.stale).toBe(false);
  }
});

test("a passage whose bytes have changed since is stale; one whose file is gone or has become a link is no hit", async () => {
  write("changed.md", "needle before\n");
  write("grown.md", "needle the same\n\n");
  write("gone.md", "needle\n");
  write("link.md", "needle\n");
  const search = await indexed();
  write("changed.md", "needle after!\n");
  write("grown.md", "needle the same\n\nand more\n");
  rmSync(join(root, "gone.md"));
  rmSync(join(root, "link.md"));
  writeFileSync(join(home, "outside.md"), "needle\n");
  symlinkSync(join(home, "outside.md"), join(root, "link.md"));
  const hits = await search("needle");
  expect(hits.map(({ id, stale }) => [id, stale]).sort()).toEqual([
    ["vault/changed.md", true],
    ["vault/grown.md", false],
  ]);
});

test("what policy hides changes nothing: not the results, nor their order, nor their scores", async () => {
  const words = ["alpha", "beta", "gamma", "delta", "epsilon", "maxInFlight", "温室", "Straße", "#garden"];
  const links = ["[[open-1]]", "[[hidden-2]]", "[to](./open-3.md)", "[[open-4|beta]]"];
  const text = fc
    .array(fc.constantFrom(...words, ...links), { minLength: 1, maxLength: 40 })
    .map((list) => list.join(" "));
  const heading = fc.option(fc.constantFrom(...words), { nil: "" }).map((word) => (word ? `# ${word}\n\n` : ""));
  const world = fc.array(fc.tuple(fc.boolean(), heading, text, fc.boolean()), { minLength: 2, maxLength: 14 });
  const queries = [
    ...words,
    "alpha beta",
    '"gamma delta"',
    "epsilon beta gamma",
    "alpha -beta",
    "path:**/*-1.md alpha",
    "tag:garden",
    "after:2001 gamma",
    "alpah bteta",
    "gamme",
  ];
  let run = 0;
  for (const documents of fc.sample(world, { numRuns: 16, seed: 3 })) {
    const base = `run${run++}`;
    const allows: SearchRequest["allows"] = (resource) =>
      resource.kind === "path" && !resource.path.includes("/hidden-");
    const answer = async (withHidden: boolean) => {
      rmSync(root, { recursive: true });
      mkdirSync(root);
      const put = (late: boolean): void =>
        documents.forEach(([hidden, heading, content, second], number) => {
          if (second !== late || (hidden && !withHidden)) return;
          const path = `${base}/${hidden ? "hidden" : "open"}-${number}.md`;
          write(path, heading + content);
          utimesSync(join(root, path), 1_500_000_000 + number, 1_500_000_000 + (number % 3));
        });
      put(false);
      const index = createMemoryTextIndex();
      await indexed(index);
      put(true);
      const search = await indexed(index);
      const answers: unknown[] = [];
      for (const query of queries)
        for (const per of ["document", "passage"] as const)
          answers.push(await search(query, { allows, per, limit: 3 }));
      return answers;
    };
    expect(await answer(true)).toEqual(await answer(false));
  }
});

test("conditions: words that must not stand, tags, times, and misspelt words when nothing else is found", async () => {
  write("a.md", "---\ntags: [Garden/Roses]\n---\n\nThe kubernetes deployment of the greenhouse.\n");
  write("b.md", "The greenhouse without it.\n");
  utimesSync(join(root, "b.md"), 1_400_000_000, 1_400_000_000);
  const search = await indexed();
  expect(paths(await search("greenhouse -kubernetes"))).toEqual(["b.md"]);
  expect(paths(await search('greenhouse -"without it"'))).toEqual(["a.md"]);
  expect(paths(await search("greenhouse before:2015"))).toEqual(["b.md"]);
  expect(paths(await search("after:2015-02-03 greenhouse"))).toEqual(["a.md"]);
  expect(paths(await search("greenhouse -path:a.md"))).toEqual(["b.md"]);
  expect(paths(await search("path:a.md"))).toEqual(["a.md"]);
  expect(paths(await search("kubernets"))).toEqual(["a.md"]);
  expect(paths(await search("grenhouse"))).toHaveLength(2);
  expect(paths(await search("zzzzzz"))).toEqual([]);
  // Not a condition: no such day, and words that only look like one.
  expect(paths(await search("greenhouse before:2015-02-30"))).toHaveLength(2);
  expect(paths(await search("note: greenhouse"))).toHaveLength(2);
});

test("of two documents as good the one that others link to comes first, by name, by path and relatively", async () => {
  write("a/one.md", "needle in a haystack\n");
  write("b/two.md", "needle in a haystack\n");
  for (const path of ["a/one.md", "b/two.md"]) utimesSync(join(root, path), 1_400_000_000, 1_400_000_000);
  expect(paths(await (await indexed())("needle"))).toEqual(["a/one.md", "b/two.md"]);
  for (const link of ["[[two]]", "[[b/two|that]]", "[that](../b/two.md)", "[that](/b/Two.md)"]) {
    write("c/link.md", `See ${link} for more.\n`);
    expect(paths(await (await indexed())("needle"))).toEqual(["b/two.md", "a/one.md"]);
  }
  const allows: SearchRequest["allows"] = (resource) => resource.kind === "path" && !resource.path.includes("/c/");
  expect(paths(await (await indexed())("needle", { allows }))).toEqual(["a/one.md", "b/two.md"]);
  // A link that a document has to itself tells nothing.
  rmSync(join(root, "c/link.md"));
  write("a/one.md", "needle in a haystack\n\n[[nobody]]\n");
  write("b/two.md", "needle in a haystack\n\n[[two]]\n");
  for (const path of ["a/one.md", "b/two.md"]) utimesSync(join(root, path), 1_400_000_000, 1_400_000_000);
  expect(paths(await (await indexed())("needle in a haystack"))).toEqual(["a/one.md", "b/two.md"]);
});

test("filters by folder and path; documents of folders that are not served are no hits", async () => {
  write("journal/a.md", "needle\n");
  write("notes/a.md", "needle\n");
  const index = createMemoryTextIndex();
  const search = await indexed(index);
  expect(paths(await search("needle", { filters: { path: "journal" } }))).toEqual(["journal/a.md"]);
  expect(await search("needle", { filters: { source: "other" } })).toEqual([]);
  const elsewhere = createSearcher({
    index,
    catalog: createCatalog(index),
    folders: [{ name: "vault", path: `${root}/notes` }],
  });
  const signal = new AbortController().signal;
  expect(
    await elsewhere.search({ query: "needle", limit: 5, per: "document", allows: () => true, view: {}, signal }),
  ).toEqual({ hits: [], notes: [] });
});
