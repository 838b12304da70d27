import { execFileSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openTextIndex } from "../stores/sqlite/text-index.ts";
import type { TextIndex } from "../stores/store.ts";
import { createCatalog } from "./catalog.ts";
import { createFolderTree } from "./folder-tree.ts";
import { createIndexer, type Indexer } from "./indexer.ts";
import { languagesOf, toGroups } from "./ranking/groups.ts";
import { postingsOf } from "./ranking/postings.ts";
import { createVisibility } from "./ranking/visible.ts";

let home: string;
let root: string;
let index: TextIndex;
let running: Indexer[] = [];
const faults: unknown[] = [];

beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "indexer-")));
  root = join(home, "vault");
  mkdirSync(root);
  index = openTextIndex({ path: join(home, "index.db") });
  faults.length = 0;
});
afterEach(async () => {
  for (const indexer of running) await indexer.stop();
  running = [];
  await index.close();
  rmSync(home, { recursive: true });
});

function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

/** Starts an indexer whose reads are counted. */
async function start(): Promise<{ indexer: Indexer; reads: string[] }> {
  const reads: string[] = [];
  const indexer = createIndexer({
    index,
    folders: [{ name: "vault", path: root }],
    fault: (...told) => faults.push(told),
    treeOf(path) {
      const tree = createFolderTree(path);
      return {
        ...tree,
        readSpan(file, start, end, stamp) {
          const read = tree.readSpan(file, start, end, stamp);
          if (stamp) reads.push(file);
          return read;
        },
      };
    },
  });
  running.push(indexer);
  await indexer.start();
  await indexer.settled();
  return { indexer, reads };
}

/** The files that a word stands in, by what the index has: a search would leave out what is not there any more. */
const holders = async (word: string): Promise<string[]> => {
  const catalog = createCatalog(index);
  await catalog.refresh();
  const visible = await createVisibility(catalog).of({}, () => true);
  const scope = { segments: catalog.segments, visible };
  const terms = toGroups(word, languagesOf(visible)).flatMap((group) => group.terms);
  const parts = terms.flatMap((term) => postingsOf(index, { ...scope, term }).parts);
  const ids = parts.flatMap(({ segment, passages, count }) =>
    [...passages.subarray(0, count)].map((passage) => segment.documents[passage] as number),
  );
  return [...new Set(ids)].flatMap((id) => catalog.entry(id)?.path ?? []).sort();
};

/** Waits until a word stands in exactly these files; how long that took, at most 3 s. */
async function until(word: string, expected: readonly string[]): Promise<number> {
  const began = performance.now();
  while (performance.now() - began < 3_000) {
    if (JSON.stringify(await holders(word)) === JSON.stringify(expected)) return performance.now() - began;
    await delay(5);
  }
  expect(await holders(word)).toEqual(expected);
  return Number.POSITIVE_INFINITY;
}

const reasons = async (): Promise<Record<string, string>> =>
  Object.fromEntries([...(await index.files(root))].flatMap(([path, { reason }]) => (reason ? [[path, reason]] : [])));

test("changes are searchable within a second: new, edited, deleted, renamed, in new and moved folders", async () => {
  write("a.md", "apple\n");
  write("b.md", "banana\n");
  await start();
  const times: number[] = [];
  const timed = async (change: () => void, word: string, expected: readonly string[]): Promise<void> => {
    change();
    times.push(await until(word, expected));
  };
  await timed(() => write("new.md", "cherry\n"), "cherry", ["new.md"]);
  await timed(() => write("a.md", "cherry too\n"), "cherry", ["a.md", "new.md"]);
  expect(await holders("apple")).toEqual([]);
  await timed(() => rmSync(join(root, "new.md")), "cherry", ["a.md"]);
  await timed(() => renameSync(join(root, "b.md"), join(root, "c.md")), "banana", ["c.md"]);
  await timed(() => write("deep/er/still/d.md", "damson\n"), "damson", ["deep/er/still/d.md"]);
  await timed(() => write("deep/er/e.md", "damson\n"), "damson", ["deep/er/e.md", "deep/er/still/d.md"]);
  await timed(() => renameSync(join(root, "deep"), join(root, "moved")), "damson", [
    "moved/er/e.md",
    "moved/er/still/d.md",
  ]);
  await timed(() => rmSync(join(root, "moved"), { recursive: true }), "damson", []);
  // Editors write beside and rename over.
  await timed(
    () => {
      write(".a.md.tmp", "elderberry\n");
      renameSync(join(root, ".a.md.tmp"), join(root, "a.md"));
    },
    "elderberry",
    ["a.md"],
  );
  expect(Math.max(...times)).toBeLessThan(1_000);
  expect(faults).toEqual([]);
});

test("at a restart only what has changed is read, and what is gone is forgotten", async () => {
  for (let number = 0; number < 50; number++) write(`n${number}.md`, `note ${number}\n`);
  write("image.png", "not really");
  write("blob", new Uint8Array([1, 0, 2]));
  const first = await start();
  expect(first.reads.length).toBe(51);
  await first.indexer.stop();

  write("n1.md", "changed\n");
  write("n50.md", "new\n");
  rmSync(join(root, "n2.md"));
  const second = await start();
  expect(second.reads.sort()).toEqual(["n1.md", "n50.md"]);
  expect(await holders("changed")).toEqual(["n1.md"]);
  expect((await index.files(root)).has("n2.md")).toBe(false);
  await second.indexer.stop();

  const third = await start();
  expect(third.reads).toEqual([]);
});

test("an indexing that is cut off goes on where it was", async () => {
  for (let number = 0; number < 600; number++) write(`n${number}.md`, `word ${"filler ".repeat(200)}${number}\n`);
  const indexer = createIndexer({ index, folders: [{ name: "vault", path: root }], fault: () => {} });
  running.push(indexer);
  void indexer.start();
  while ((await index.files(root)).size === 0) await delay(1);
  await indexer.stop();
  const kept = (await index.files(root)).size;
  expect(kept).toBeGreaterThan(0);
  expect(kept).toBeLessThan(600);
  const { reads } = await start();
  expect(reads.length).toBe(600 - kept);
  expect((await index.files(root)).size).toBe(600);
});

test("rules hide files at once when they change, and show them again", async () => {
  write("keep.md", "fig\n");
  write("drafts/x.md", "fig\n");
  await start();
  expect(await holders("fig")).toEqual(["drafts/x.md", "keep.md"]);
  write(".portcullisignore", "drafts/\n");
  await until("fig", ["keep.md"]);
  write("drafts/y.md", "fig\n");
  rmSync(join(root, ".portcullisignore"));
  await until("fig", ["drafts/x.md", "drafts/y.md", "keep.md"]);
  write("drafts/z.md", "fig\n");
  await until("fig", ["drafts/x.md", "drafts/y.md", "drafts/z.md", "keep.md"]);
});

test("links, pipes, binaries and what is too large are listed with the reason and never opened; nothing outside is read", async () => {
  mkdirSync(join(home, "outside"));
  writeFileSync(join(home, "outside", "secret.md"), "grape\n");
  symlinkSync(join(home, "outside"), join(root, "folder-link"));
  symlinkSync(join(home, "outside", "secret.md"), join(root, "file-link.md"));
  linkSync(join(home, "outside", "secret.md"), join(root, "hard-link.md"));
  execFileSync("mkfifo", [join(root, "pipe.md")]);
  write("blob.md", new Uint8Array([0x67, 0, 1]));
  write("utf16.md", Buffer.from("\uFEFFgrape", "utf16le"));
  write("large.md", "grape ".repeat(1_000_000));
  write("paper.pdf", "%PDF");
  write("photo.jpg", "not really");
  write("node_modules/x/readme.md", "grape\n");
  write(".git/notes.md", "grape\n");
  write("good.md", "grape\n");
  const { reads } = await start();
  expect(await holders("grape")).toEqual(["good.md", "utf16.md"]);
  expect(reads.sort()).toEqual(["blob.md", "good.md", "paper.pdf", "utf16.md"]);
  expect(await reasons()).toEqual({
    "folder-link": expect.stringContaining("symbolic link"),
    "file-link.md": expect.stringContaining("symbolic link"),
    "hard-link.md": expect.stringContaining("hard link"),
    "pipe.md": "It is a named pipe.",
    "blob.md": "It is binary.",
    "large.md": "It is larger than 5 MiB.",
    "paper.pdf": expect.stringContaining("PDF"),
    "photo.jpg": expect.stringContaining(".jpg"),
  });
});

test("a file that is swapped for a link between the walk and the reading is not read", () => {
  writeFileSync(join(home, "secret.md"), "grape\n");
  write("inner/a.md", "harmless\n");
  const tree = createFolderTree(root);
  expect(tree.readSpan("inner/a.md", 0, 100).toString()).toBe("harmless\n");
  renameSync(join(root, "inner"), join(root, "was"));
  mkdirSync(join(home, "inner"));
  writeFileSync(join(home, "inner", "a.md"), "grape\n");
  symlinkSync(join(home, "inner"), join(root, "inner"));
  expect(() => tree.readSpan("inner/a.md", 0, 100)).toThrow("leads elsewhere");
  expect(() => tree.list("inner")).toThrow("symbolic link");
  expect(() => tree.readSpan("../secret.md", 0, 100)).toThrow("leads elsewhere");
});

test("while the served folder is away its documents are kept, and nothing is read again when it is back", async () => {
  write("a.md", "honey\n");
  const { indexer, reads } = await start();
  renameSync(root, `${root}-away`);
  await delay(600);
  await indexer.settled();
  expect(await holders("honey")).toEqual(["a.md"]);
  await indexer.stop();
  const away = await start();
  expect(await away.indexer.troubles()).toMatchObject([{ key: { path: "" } }]);
  expect(await holders("honey")).toEqual(["a.md"]);
  await away.indexer.stop();
  renameSync(`${root}-away`, root);
  const back = await start();
  expect([...reads, ...away.reads, ...back.reads]).toEqual(["a.md"]);
});

test.skipIf(process.getuid?.() === 0)("a file without read permission is tried again at the next start", async () => {
  write("locked.md", "iris\n");
  chmodSync(join(root, "locked.md"), 0);
  const { indexer } = await start();
  expect((await reasons())["locked.md"]).toContain("does not let");
  await indexer.stop();
  chmodSync(join(root, "locked.md"), 0o600);
  await start();
  expect(await holders("iris")).toEqual(["locked.md"]);
});
