import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type FileSystem, ignoresCase, withFileSystems } from "./policy-places.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "Places-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A file system of one folder; names are kept as given and found by the rule. */
const created = (names: readonly string[], same: (a: string, b: string) => boolean, nlink = 1n): FileSystem => ({
  platform: "linux",
  async *names() {
    for (const name of names) yield { name };
  },
  async find(path) {
    const index = names.findIndex((name) => same(name, basename(path)));
    return index < 0 ? undefined : { ino: BigInt(index), dev: 1n, nlink, isDirectory: () => false };
  },
});
const insensitive = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
const exact = (a: string, b: string): boolean => a === b;

test("a file system is asked by a name of its own", async () => {
  expect(await ignoresCase("/x", created(["1", "Read.me"], insensitive))).toBe(true);
  expect(await ignoresCase("/x", created(["1", "Read.me"], exact))).toBe(false);
  expect(await ignoresCase("/x", created(["a", "A"], exact))).toBe(false);
  // Several names of one file tell nothing.
  expect(await ignoresCase("/x", created(["a"], insensitive, 2n))).toBe(false);
});

test("where no name tells, the system's habit counts", async () => {
  for (const names of [[], ["1", "2"]]) {
    expect(await ignoresCase("/x", { ...created(names, exact), platform: "darwin" })).toBe(true);
    expect(await ignoresCase("/x", created(names, exact))).toBe(false);
  }
  const broken: FileSystem = { ...created(["a"], exact), find: () => Promise.reject(new Error("EIO")) };
  expect(await ignoresCase("/x", broken)).toBe(false);
  expect(await ignoresCase("/x", { ...broken, platform: "win32" })).toBe(true);
});

test.runIf(process.platform === "linux")("a real folder where case counts is taken for one", async () => {
  writeFileSync(join(folder, "a"), "");
  linkSync(join(folder, "a"), join(folder, "A"));
  expect(await ignoresCase(folder)).toBe(false);
  mkdirSync(join(folder, "sub"));
  const options = { home: folder, served: [{ name: "s", path: join(folder, "sub") }] };
  expect(await withFileSystems(options)).toEqual({ ...options, caseless: [] });
});
