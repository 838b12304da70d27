import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { watchTree } from "./watch-tree.ts";

let base: string;
let root: string;
let told: Set<string>;
const ends: (() => void)[] = [];
const faults: string[] = [];
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "watch-")));
  root = join(base, "root");
  told = new Set();
  faults.length = 0;
});
afterEach(() => {
  for (const end of ends.splice(0)) end();
  rmSync(base, { recursive: true, force: true });
});

function write(path: string): void {
  mkdirSync(dirname(join(base, path)), { recursive: true });
  writeFileSync(join(base, path), "x");
}
const begin = (): void => {
  const end = watchTree(root, {
    hides: (path) => path.startsWith("hidden"),
    changed: (path) => void told.add(path),
    fault: (message) => void faults.push(message),
  });
  ends.push(end);
};
const untilTold = (...paths: string[]): Promise<void> =>
  vi.waitFor(() => expect([...told]).toEqual(expect.arrayContaining(paths)), { timeout: 10_000 });

test("files that change, come and go are told, also in folders that came or moved meanwhile", async () => {
  write("root/a/one.md");
  write("outside/two.md");
  write("outside/deep/er/three.md");
  begin();
  write("root/a/one.md");
  write("root/new/inside/four.md");
  await untilTold("a/one.md", "new/inside/four.md");
  renameSync(join(base, "outside"), join(root, "came"));
  await untilTold("came/two.md", "came/deep/er/three.md");
  renameSync(join(root, "came"), join(root, "moved"));
  await untilTold("came", "moved/deep/er/three.md");
  told.clear();
  write("root/moved/deep/er/five.md");
  await untilTold("moved/deep/er/five.md");
  rmSync(join(root, "moved"), { recursive: true });
  await untilTold("moved");
  expect(faults).toEqual([]);
});

test("a folder that took the place of another is followed like the first", async () => {
  write("root/a/one.md");
  write("other/two.md");
  begin();
  renameSync(join(root, "a"), join(base, "away"));
  renameSync(join(base, "other"), join(root, "a"));
  await untilTold("a/two.md");
  told.clear();
  write("root/a/three.md");
  write("away/four.md");
  await untilTold("a/three.md");
  expect([...told]).not.toContain("a/four.md");
});

test("what is hidden and what links lead to is not followed", async () => {
  write("root/hidden/one.md");
  write("outside/two.md");
  mkdirSync(join(root, "open"));
  symlinkSync(join(base, "outside"), join(root, "open/link"));
  begin();
  write("root/hidden/one.md");
  write("outside/two.md");
  write("root/hidden-note.md");
  write("root/open/last.md");
  await untilTold("open/last.md");
  expect([...told]).toEqual(["open/last.md"]);
});

test("a folder that is not there, or goes, is told as a fault", async () => {
  begin();
  expect(faults).toHaveLength(1);
  mkdirSync(root);
  begin();
  expect(faults).toHaveLength(1);
  rmSync(root, { recursive: true });
  await vi.waitFor(() => expect(faults).toHaveLength(2), { timeout: 10_000 });
});
