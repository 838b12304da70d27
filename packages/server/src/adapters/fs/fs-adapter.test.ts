import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import { CallError, type Resource } from "@portcullis/contracts";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Adapter, Permit, Tool } from "../adapter.ts";
import { createFsAdapter } from "./create-fs-adapter.ts";
import type { ListOutput, ReadFileOutput, StatOutput, WriteFileOutput } from "./schemas.ts";

let base: string;
let root: string;
let adapter: Adapter;

const make = (list?: { entries: number; seen: number; milliseconds: number }): Adapter =>
  createFsAdapter({
    ...{ name: "files", folders: [{ name: "root", path: root }], home: base },
    ...(list && { list }),
    write: { versions: `${base}/versions`, limits: { perFile: 9, bytes: 1e6, days: 9 }, bytes: 1e6, closed: [] },
  });

beforeEach(() => {
  base = fs.realpathSync(fs.mkdtempSync(`${os.tmpdir()}/fs-`));
  root = `${base}/root`;
  fs.mkdirSync(root);
  adapter = make();
});

afterEach(async () => {
  await adapter.stop?.();
  fs.rmSync(base, { recursive: true, force: true });
});

type Allows = (resource: Resource) => boolean;
const everything: Allows = () => true;
const ajv = new Ajv2020({ strict: true });

/** Runs a tool as the corridor does: its schemas, then policy on what it touches, then the tool, then its filter. */
async function call<O>(name: string, input: unknown, allows = everything, maxBytes = 1_000_000): Promise<O> {
  const tool = adapter.tools().find((each) => each.name === name) as unknown as Tool<unknown, O>;
  expect(ajv.validate(tool.input, input)).toBe(true);
  const resources = await tool.touches(input);
  if (!resources.every(allows)) throw new CallError("PERMISSION_DENIED", "policy", { details: { reason: "policy" } });
  const permit = { subject: "duck", tool: name, resources, maxBytes, hardlinks: false, allows } as unknown as Permit;
  const output = await tool.run(input, { permit, signal: new AbortController().signal, progress: () => {} });
  expect(ajv.validate(tool.output, output)).toBe(true);
  // The tool itself has hidden what its filter would hide.
  if (tool.filter) expect(tool.filter(output, allows)).toEqual(output);
  return output;
}

const read = (input: object, allows?: Allows, maxBytes?: number) =>
  call<ReadFileOutput>("fs.readFile", { path: "root/a.txt", ...input }, allows, maxBytes);
const list = (input: object, allows?: Allows, maxBytes?: number) =>
  call<ListOutput>("fs.list", { dir: "root", ...input }, allows, maxBytes);
const names = ({ entries }: ListOutput): string[] => entries.map(({ path }) => path.slice(root.length + 1));

const refusal = async (answer: Promise<unknown>): Promise<CallError> => {
  const error = await answer.then(
    () => new Error("it was not refused"),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof CallError)) throw error;
  return error;
};

describe("fs.readFile", () => {
  test("gives a file by any way of writing its path", async () => {
    fs.writeFileSync(`${root}/a.txt`, "\ufeffcaf\u00e9");
    for (const path of ["a.txt", "root/a.txt", `${root}/a.txt`, "~/root/a.txt"]) {
      const answer = await read({ path });
      expect(answer).toMatchObject({
        path: `${root}/a.txt`,
        uri: `file://${root}/a.txt`,
        content: "\ufeffcaf\u00e9",
        size: 8,
      });
    }
    expect((await read({ path: "a.txt", encoding: "base64" })).content).toBe(
      Buffer.from("\ufeffcaf\u00e9").toString("base64"),
    );
  });

  test("never turns other bytes into text", async () => {
    fs.writeFileSync(`${root}/a.txt`, Buffer.from([0x61, 0xff, 0x62]));
    expect((await refusal(read({}))).details).toMatchObject({ reason: "not_utf8" });
    expect((await read({ encoding: "base64" })).content).toBe("Yf9i");
    expect((await read({ range: { start: 2, end: 3 } })).content).toBe("b");
  });

  test("gives ranges whole characters, bytes exactly", async () => {
    fs.writeFileSync(`${root}/a.txt`, "a\u20acb");
    expect(await read({ range: { start: 0, end: 2 } })).toMatchObject({
      content: "a\u20ac",
      range: { start: 0, end: 4 },
    });
    expect(await read({ range: { start: 2, end: 9 } })).toMatchObject({ content: "b", range: { start: 4, end: 5 } });
    expect(await read({ range: { start: 5, end: 9 } })).toMatchObject({ content: "", range: { start: 5, end: 5 } });
    expect(await read({ range: { start: 1, end: 3 }, encoding: "base64" })).toMatchObject({
      content: Buffer.from([0xe2, 0x82]).toString("base64"),
      range: { start: 1, end: 3 },
    });
    expect((await refusal(read({ range: { start: 6, end: 9 } }))).details).toMatchObject({ reason: "range", size: 5 });
    expect((await refusal(read({ range: { start: 2, end: 1 } }))).code).toBe("VALIDATION_ERROR");
  });

  test("refuses what is too large before reading it, and says how to go on", async () => {
    fs.writeFileSync(`${root}/a.txt`, "x");
    fs.truncateSync(`${root}/a.txt`, 64 * 2 ** 30);
    const start = performance.now();
    const error = await refusal(read({}));
    expect(error.code).toBe("TOO_LARGE");
    expect(error.details).toMatchObject({ size: 64 * 2 ** 30, limit: 1_000_000 });
    expect((await refusal(read({ encoding: "base64", range: { start: 0, end: 900_000 } }))).code).toBe("TOO_LARGE");
    expect((await read({ range: { start: 2 ** 30, end: 2 ** 30 + 4 } })).content).toBe("\0\0\0\0");
    expect(performance.now() - start).toBeLessThan(1_000);
  });

  test("reads a large file in pieces, and stops when the call ends", async () => {
    const bytes = Buffer.alloc(3_000_000, "0123456789");
    fs.writeFileSync(`${root}/a.txt`, bytes);
    expect((await read({}, everything, 5_000_000)).content === bytes.toString()).toBe(true);
    const tool = adapter.tools()[0] as unknown as Tool<unknown>;
    const permit = { maxBytes: 5_000_000, allows: everything } as unknown as Permit;
    const reading = tool.run({ path: "a.txt" }, { permit, signal: AbortSignal.abort(), progress: () => {} });
    await expect(reading).rejects.toThrow("aborted");
  });

  test("asks policy before the file system, so a denied path is one answer whether it is there or not", async () => {
    fs.writeFileSync(`${root}/secret`, "x");
    const allows: Allows = (resource) => resource.kind === "path" && !resource.path.includes("secret");
    const there = await refusal(read({ path: "secret" }, allows));
    const missing = await refusal(read({ path: "secret2" }, allows));
    expect([there.code, there.details]).toEqual([missing.code, missing.details]);
  });
});

describe("fs.stat", () => {
  test("tells type, size and age", async () => {
    fs.writeFileSync(`${root}/a.txt`, "12345");
    fs.utimesSync(`${root}/a.txt`, 1, 1);
    const stat = (path: string) => call<StatOutput>("fs.stat", { path });
    expect(await stat("a.txt")).toMatchObject({ type: "file", size: 5, mtime: "1970-01-01T00:00:01.000Z" });
    expect(await stat(".")).toMatchObject({ type: "folder", path: root });
    expect(await stat(".")).not.toHaveProperty("size");
  });
});

describe("fs.list", () => {
  beforeEach(() => {
    fs.mkdirSync(`${root}/sub/deep`, { recursive: true });
    for (const name of ["b.md", ".env", "sub/c.md", "sub/deep/d.md"]) fs.writeFileSync(`${root}/${name}`, name);
  });

  test("lists level by level, with dotfiles, by depth and glob", async () => {
    expect(names(await list({}))).toEqual([".env", "b.md", "sub"]);
    expect(names(await list({ depth: 2 }))).toEqual([".env", "b.md", "sub", "sub/c.md", "sub/deep"]);
    expect(names(await list({ depth: 3, glob: "*.md" }))).toEqual(["b.md", "sub/c.md", "sub/deep/d.md"]);
    expect(names(await list({ glob: "sub/**/*.md" }))).toEqual(["sub/c.md", "sub/deep/d.md"]);
    expect((await list({})).entries[1]).toMatchObject({ type: "file", size: 4 });
  });

  test("lists links and never enters them; a second name tells no size", async () => {
    const outside = `${base}/outside`;
    fs.mkdirSync(outside);
    fs.writeFileSync(`${outside}/secret.txt`, "canary");
    fs.symlinkSync(outside, `${root}/away`);
    fs.symlinkSync(root, `${root}/sub/loop`);
    fs.linkSync(`${outside}/secret.txt`, `${root}/hard`);
    execFileSync("mkfifo", [`${root}/pipe`]);
    const { entries } = await list({ depth: 32 });
    expect(entries.filter(({ type }) => type === "link").map(({ path }) => path)).toEqual([
      `${root}/away`,
      `${root}/sub/loop`,
    ]);
    expect(JSON.stringify(entries)).not.toContain("secret.txt");
    expect(entries.find(({ path }) => path.endsWith("hard"))).toEqual({ path: `${root}/hard`, type: "file" });
    expect(entries.find(({ path }) => path.endsWith("pipe"))).toEqual({ path: `${root}/pipe`, type: "other" });
    expect((await refusal(list({ dir: "root/away" }))).details).toMatchObject({ reason: "real_path" });
  });

  test("shows no name that policy hides, neither as it is written nor where it really lies", async () => {
    fs.symlinkSync("sub", `${root}/link`);
    const allows: Allows = (resource) =>
      resource.kind === "path" && !/^\/.*\/root\/sub\/(c\.md|deep(\/.*)?)$/.test(resource.path);
    expect(names(await list({ depth: 9 }, allows))).toEqual([".env", "b.md", "link", "sub"]);
    expect(names(await list({ dir: "root/link", depth: 9 }, allows))).toEqual([]);
    expect(names(await list({ dir: "root/link", depth: 9 }))).toEqual(["link/c.md", "link/deep", "link/deep/d.md"]);
    const tool = adapter.tools().find(({ name }) => name === "fs.list") as unknown as Tool<unknown, ListOutput>;
    const whole = await list({ depth: 9 });
    expect(names(tool.filter?.(whole, allows) ?? whole)).toEqual([".env", "b.md", "sub"].concat("link").sort());
  });

  test("says when there is more than it may list", async () => {
    for (const limits of [
      { entries: 2, seen: 100, milliseconds: 5_000 },
      { entries: 100, seen: 2, milliseconds: 5_000 },
      { entries: 100, seen: 100, milliseconds: -1 },
    ]) {
      await adapter.stop?.();
      adapter = make(limits);
      const answer = await list({ depth: 9 });
      expect(answer.truncated).toBe(true);
      expect(answer.entries.length).toBeLessThan(3);
    }
    expect(await list({ depth: 9 }, everything, 250)).toMatchObject({ truncated: true });
    await adapter.stop?.();
    adapter = make({ entries: 7, seen: 100, milliseconds: 5_000 });
    expect((await list({ depth: 9 })).truncated).toBe(false);
  });
});

describe("fs.writeFile", () => {
  const write = (input: object, allows?: Allows) =>
    call<WriteFileOutput>("fs.writeFile", { path: "root/a.txt", content: "x", ...input }, allows);

  test("writes text and bytes, and tells what stands there now", async () => {
    const { created, size, sha256, version } = await write({ content: "caf\u00e9" });
    expect([created, size, version]).toEqual([true, 5, undefined]);
    expect(sha256).toBe(createHash("sha256").update("caf\u00e9").digest("hex"));
    expect(await write({ content: "Yf9i", encoding: "base64" })).toMatchObject({ created: false, size: 3 });
    expect(fs.readFileSync(`${root}/a.txt`)).toEqual(Buffer.from([0x61, 0xff, 0x62]));
    expect((await refusal(write({ content: "Yf9*", encoding: "base64" }))).details).toMatchObject({ reason: "base64" });
    expect((await refusal(write({ content: "half \ud800" }))).details).toMatchObject({ reason: "surrogate" });
    expect((await refusal(write({ content: "x".repeat(1_000_001) }))).code).toBe("TOO_LARGE");
  });

  test("never writes a mask over the secret that it stands for", async () => {
    fs.writeFileSync(`${root}/a.txt`, "key = hunter2\nold = [redacted:password]\n");
    const masked = "key = [redacted:password]\nold = [redacted:password]\n";
    expect((await refusal(write({ content: masked }))).details).toMatchObject({ reason: "masked" });
    expect(fs.readFileSync(`${root}/a.txt`, "utf8")).toContain("hunter2");
    await write({ content: "old = [redacted:password]\n" });
    await write({ path: "root/new.txt", content: "about [redacted:password]\n" });
  });

  test("goes back over folders, never over links, where the system would mean another place", async () => {
    fs.mkdirSync(`${base}/outside/sub`, { recursive: true });
    fs.mkdirSync(`${root}/sub`);
    fs.symlinkSync(`${base}/outside/sub`, `${root}/away`);
    await write({ path: "root/sub/../a.txt" });
    await write({ path: "root/nowhere/../b.txt" });
    expect((await refusal(write({ path: "root/away/../c.txt" }))).details).toMatchObject({ reason: "real_path" });
    expect(fs.readdirSync(root).sort()).toEqual(["a.txt", "away", "b.txt", "sub"]);
  });

  test("lets one writer of many win, and no content be mixed", async () => {
    const contents = Array.from({ length: 20 }, (_, index) => `${index}`.repeat(10_000));
    const made = await Promise.all(contents.map((content) => write({ content }).catch(() => undefined)));
    expect(made.every((answer) => answer !== undefined)).toBe(true);
    expect(contents).toContain(fs.readFileSync(`${root}/a.txt`, "utf8"));
    const { sha256 = "" } = made.at(-1) ?? {};
    const edits = await Promise.all(
      ["one", "two"].map((content) => write({ content, ifMatch: sha256 }).catch(() => "lost")),
    );
    expect(edits.filter((edit) => edit === "lost")).toHaveLength(1);
  });
});
