import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import { CallError } from "@portcullis/contracts";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { pin } from "./pin.ts";
import type { PinRequest } from "./pinned.ts";
import { pinByRealPath } from "./real-path-pin.ts";
import { type Replacement, replaceFile } from "./replace-file.ts";
import { createRoots, type Roots } from "./roots.ts";
import { createVersions, type Versions } from "./versions.ts";

let base: string;
let root: string;
let outside: string;
let roots: Roots;
let versions: Versions;

beforeEach(() => {
  base = fs.realpathSync(fs.mkdtempSync(`${os.tmpdir()}/write-`));
  [root, outside] = [`${base}/root`, `${base}/outside`];
  fs.mkdirSync(`${root}/sub`, { recursive: true });
  fs.mkdirSync(outside);
  fs.writeFileSync(`${outside}/secret.txt`, "canary");
  roots = createRoots([{ name: "root", path: root }]);
  versions = createVersions(`${base}/versions`, { perFile: 3, bytes: 1_000, days: 9 });
});

afterEach(() => {
  roots.close();
  fs.rmSync(base, { recursive: true, force: true });
});

type Extra = Partial<Omit<Replacement, "path" | "content">>;

const write = (path: string, content = "new", extra: Extra = {}) =>
  replaceFile({
    path: path.startsWith("/") ? path : `${root}/${path}`,
    content: Buffer.from(content),
    ...{ roots, versions, closed: [], most: 10_000, signal: new AbortController().signal, allows: () => true },
    ...extra,
  });

const refusal = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => "allowed",
    (error: unknown) => (error instanceof CallError ? `${error.code} ${error.details?.reason}` : String(error)),
  );

const read = (path: string): string => fs.readFileSync(`${root}/${path}`, "utf8");
/** Nothing but the files that a test has made: no temporary file is left. */
const names = (folder = root): string[] => fs.readdirSync(folder).sort();
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Keeps nothing; something else happens meanwhile. */
const keepingWhile = (happens: () => void): Pick<Versions, "keep"> => ({
  keep: async () => {
    happens();
    return "id";
  },
});

/** Lesser systems pin by name: the same promises but for the race. */
const lesser = async (request: PinRequest) => pinByRealPath(request, "symlink-free");

describe.each([
  ["by descriptor", pin],
  ["by name, as other systems do", lesser],
])("a file written in a folder pinned %s", (_how, hold) => {
  const put: typeof write = (path, content, extra) => write(path, content, { hold, ...extra });

  test("is made, or takes another's place with its mode, and the old one is kept", async () => {
    expect(await put("a.txt", "one")).toMatchObject({ created: true, version: undefined, sha256: sha256("one") });
    fs.chmodSync(`${root}/a.txt`, 0o640);
    const { created, version } = await put("a.txt", "two");
    expect([created, read("a.txt"), fs.statSync(`${root}/a.txt`).mode & 0o777]).toEqual([false, "two", 0o640]);
    const kept = await versions.read(version ?? "");
    expect([kept?.content.toString(), kept?.version.path, kept?.version.mode]).toEqual(["one", `${root}/a.txt`, 0o640]);
    expect(names()).toEqual(["a.txt", "sub"]);
  });

  test("is not written over what changed, nor over what should not be there", async () => {
    fs.writeFileSync(`${root}/a.txt`, "one");
    expect(await refusal(put("a.txt", "two", { ifMatch: sha256("other") }))).toBe("VALIDATION_ERROR changed");
    expect(await refusal(put("b.txt", "two", { ifMatch: sha256("one") }))).toBe("VALIDATION_ERROR changed");
    expect(await refusal(put("a.txt", "two", { mustBeNew: true }))).toBe("VALIDATION_ERROR exists");
    expect(read("a.txt")).toBe("one");
    await put("a.txt", "two", { ifMatch: sha256("one") });
    expect(read("a.txt")).toBe("two");
    // Somebody else writes while the old version is being kept.
    const late = keepingWhile(() => fs.writeFileSync(`${root}/a.txt`, "theirs"));
    expect(await refusal(put("a.txt", "three", { versions: late }))).toBe("VALIDATION_ERROR changed");
    expect([read("a.txt"), names()]).toEqual(["theirs", ["a.txt", "sub"]]);
  });

  test("is never written through a link, onto a folder, a pipe, or a file with another name", async () => {
    fs.symlinkSync(`${outside}/secret.txt`, `${root}/link`);
    fs.symlinkSync(`${outside}/made.txt`, `${root}/dangling`);
    fs.symlinkSync("sub", `${root}/inner`);
    fs.symlinkSync(outside, `${root}/away`);
    fs.linkSync(`${outside}/secret.txt`, `${root}/hard`);
    execFileSync("mkfifo", [`${root}/pipe`]);
    for (const [path, expected] of [
      ["link", "PERMISSION_DENIED real_path"],
      ["dangling", "PERMISSION_DENIED real_path"],
      ["away/secret.txt", "PERMISSION_DENIED real_path"],
      ["away/new.txt", "PERMISSION_DENIED real_path"],
      ["hard", "PERMISSION_DENIED hard_link"],
      ["pipe", "PERMISSION_DENIED fifo"],
      ["sub", "VALIDATION_ERROR folder"],
      ["nowhere/a.txt", "NOT_FOUND missing"],
      ["a.txt/b", "NOT_FOUND missing"],
    ] as const)
      expect(`${path}: ${await refusal(put(path))}`).toBe(`${path}: ${expected}`);
    for (const path of [`${outside}/made.txt`, "/proc/self/comm", "/made.txt"])
      expect(await refusal(put(path))).toMatch(/^PERMISSION_DENIED (outside|mount|real_path)$/);
    expect([fs.readdirSync(outside), fs.readFileSync(`${outside}/secret.txt`, "utf8")]).toEqual([
      ["secret.txt"],
      "canary",
    ]);
    await put("hard", "mine", { hardlinks: true });
    expect([read("hard"), fs.readFileSync(`${outside}/secret.txt`, "utf8")]).toEqual(["mine", "canary"]);
  });

  test("is never one that makes git run programs, nor the server's own", async () => {
    fs.mkdirSync(`${root}/.git/hooks`, { recursive: true });
    fs.mkdirSync(`${root}/data/policies`, { recursive: true });
    for (const path of [".git/hooks/post-commit", ".git/config", "sub/.git", "sub/.GIT", "sub/.g\u200cit"])
      expect(await refusal(put(path))).toBe("PERMISSION_DENIED git_folder");
    const closed = [`${root}/data`];
    expect(await refusal(put("data/policies/owner.yaml", "x", { closed }))).toBe("PERMISSION_DENIED own_data");
    expect(await refusal(put("data", "x", { closed }))).toBe("PERMISSION_DENIED own_data");
    expect(await refusal(put("data2", "x", { closed }))).toBe("allowed");
  });

  test("replaces the name that is on disk, in whichever normal form", async () => {
    const decomposed = "u\u0308.txt";
    fs.writeFileSync(`${root}/${decomposed}`, "old");
    await put("\u00fc.txt", "new");
    expect([names(), read(decomposed)]).toEqual([["sub", decomposed], "new"]);
    fs.writeFileSync(`${root}/\u00fc.txt`, "another");
    expect(await refusal(put("\u00fc.txt"))).toBe("PERMISSION_DENIED ambiguous");
  });

  test("is not written when it, or the old version, is too large, or the call has ended", async () => {
    fs.writeFileSync(`${root}/a.txt`, "x".repeat(2_000));
    expect(await refusal(put("a.txt", "y", { most: 1_999 }))).toBe("TOO_LARGE size");
    expect(await refusal(put("a.txt", "y"))).toBe("TOO_LARGE version");
    expect(await refusal(put("b.txt", "y", { signal: AbortSignal.abort() }))).toMatch(/abort/i);
    expect([read("a.txt").length, names()]).toEqual([2_000, ["a.txt", "sub"]]);
  });
});

test("a real path that policy hides is not written behind a link among the folders", async () => {
  fs.symlinkSync("sub", `${root}/inner`);
  expect(await refusal(write("inner/a.txt", "x", { allows: (real) => !real.includes("/sub/") }))).toBe(
    "PERMISSION_DENIED real_path",
  );
  await write("inner/a.txt");
  expect(read("sub/a.txt")).toBe("new");
});

test("a folder that is moved away meanwhile is not written to", async () => {
  fs.writeFileSync(`${root}/sub/a.txt`, "old");
  const moving = keepingWhile(() => fs.renameSync(`${root}/sub`, `${outside}/sub`));
  expect(await refusal(write("sub/a.txt", "new", { versions: moving }))).toBe("VALIDATION_ERROR changed");
  expect([fs.readFileSync(`${outside}/sub/a.txt`, "utf8"), names(`${outside}/sub`)]).toEqual(["old", ["a.txt"]]);
});

test("what cannot be kept is not replaced", async () => {
  fs.writeFileSync(`${root}/a.txt`, "old");
  const full = { keep: () => Promise.reject(Object.assign(new Error("full"), { code: "ENOSPC", syscall: "write" })) };
  expect(await refusal(write("a.txt", "new", { versions: full }))).toBe("UPSTREAM full");
  expect([read("a.txt"), names()]).toEqual(["old", ["a.txt", "sub"]]);
});

describe("old versions", () => {
  test("are listed newest first, bounded by count and bytes, and readable by the owner alone", async () => {
    for (let round = 0; round < 6; round++) await write("a.txt", `round ${round}`);
    await write("b.txt", "1");
    await write("b.txt", "2");
    const kept = await versions.list(`${root}/a.txt`);
    expect(kept.map(({ size, sha256: sum }) => [size, sum])).toEqual(
      [4, 3, 2].map((round) => [7, sha256(`round ${round}`)]),
    );
    expect((await versions.list()).map(({ path }) => path.slice(base.length))).toContain("/root/b.txt");
    for (const name of names(`${base}/versions`))
      expect(fs.statSync(`${base}/versions/${name}`).mode & 0o777).toBe(0o600);
    await write("b.txt", "x".repeat(900));
    await write("b.txt", "y".repeat(900));
    expect((await versions.list()).reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(1_000);
  });

  test("that are not whole any more are not given back", async () => {
    await write("a.txt", "one");
    const { version = "" } = await write("a.txt", "two");
    expect((await versions.read(version.toLowerCase()))?.content.toString()).toBe("one");
    const [name = ""] = names(`${base}/versions`);
    fs.appendFileSync(`${base}/versions/${name}`, "x");
    expect(await versions.read(version)).toBeUndefined();
    expect(await versions.read("../../outside/secret.txt")).toBeUndefined();
  });
});
