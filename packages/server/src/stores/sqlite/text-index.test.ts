import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createMemoryTextIndex } from "../memory/text-index.ts";
import type { IndexChange, TextIndex } from "../store.ts";
import { openTextIndex } from "./text-index.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "text-index-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const stamp = { size: 7, mtimeNs: 1_700_000_000_123_456_789n, ino: 0xffff_ffff_ffff_fff0n };
const put = (path: string, chunks: readonly string[], title = "", source = "/s"): IndexChange => ({
  kind: "put",
  key: { source, path },
  stamp,
  sha256: `${chunks.join("|")}${title}`,
  title,
  terms: { title: title.split(" ").filter(Boolean), path: path.split(/[/.]/) },
  chunks: chunks.map((text, place) => ({
    start: place * 10,
    end: place * 10 + 5,
    sha256: text,
    text,
    terms: text.split(" "),
  })),
});

describe.each([
  ["sqlite", () => openTextIndex({ path: join(folder, "index.db") })],
  ["memory", () => createMemoryTextIndex()],
])("the text index in %s", (_, open) => {
  let index: TextIndex;
  beforeEach(() => {
    index = open();
  });
  afterEach(() => index.close());

  const standing = async (term: string): Promise<string[]> => {
    const postings = await index.postings(term);
    const documents = await index.documents(postings.map(({ document }) => document));
    return postings
      .map(({ document, field, count }) => `${documents.find(({ id }) => id === document)?.path} ${field} ${count}`)
      .sort();
  };

  test("tells where a term stands, by field and with its count", async () => {
    await index.apply([put("a.md", ["x y x", "y"], "x"), put("b.md", ["z"]), put("x.md", ["z"])]);
    expect(await standing("x")).toEqual(["a.md text 2", "a.md title 1", "x.md path 1"]);
    expect(await standing("y")).toEqual(["a.md text 1", "a.md text 1"]);
    expect(await standing("nothing")).toEqual([]);
  });

  test("finds phrases only where the words follow each other in one field", async () => {
    await index.apply([put("a.md", ["x y z", "x"]), put("b.md", ["y x"], "x y")]);
    const found = await index.phrase(["x", "y"]);
    const documents = await index.documents(found.map(({ document }) => document));
    expect(found.map((at) => `${documents.find(({ id }) => id === at.document)?.path} ${at.field}`).sort()).toEqual([
      "a.md text",
      "b.md title",
    ]);
  });

  test("a changed document keeps its id and loses its old words; a removed one is gone, and its id is not used again", async () => {
    await index.apply([put("a.md", ["old one", "old two"])]);
    const before = await index.document({ source: "/s", path: "a.md" });
    await index.apply([put("a.md", ["new"])]);
    expect(await index.document({ source: "/s", path: "a.md" })).toEqual(before);
    expect(await index.postings("old")).toEqual([]);
    const [posting] = await index.postings("new");
    expect(posting?.length).toBe(1);
    await index.apply([{ kind: "remove", key: { source: "/s", path: "a.md" } }, put("b.md", ["other"])]);
    expect(await index.postings("new")).toEqual([]);
    expect(await index.passage(posting?.chunk ?? -1)).toBeUndefined();
    expect((await index.document({ source: "/s", path: "b.md" }))?.id).not.toBe(before?.id);
    expect([...(await index.files("/s")).keys()]).toEqual(["b.md"]);
  });

  test("gives stamps back to the last bit, by source", async () => {
    const skip = { kind: "skip", key: { source: "/s", path: "b.bin" }, stamp, reason: "It is binary." } as const;
    await index.apply([put("a.md", ["x"]), skip, put("c.md", ["x"], "", "/t")]);
    const files = await index.files("/s");
    expect([...files.keys()].sort()).toEqual(["a.md", "b.bin"]);
    expect(files.get("a.md")).toEqual({ source: "/s", path: "a.md", ...stamp, sha256: "x", chunks: 1 });
    expect(files.get("b.bin")?.reason).toBe("It is binary.");
    const moved = { ...stamp, mtimeNs: stamp.mtimeNs + 1n };
    await index.apply([{ kind: "stamp", key: { source: "/s", path: "a.md" }, stamp: moved }]);
    expect((await index.files("/s")).get("a.md")?.mtimeNs).toBe(moved.mtimeNs);
    expect(await index.document({ source: "/s", path: "b.bin" })).toBeUndefined();
  });

  test("does all of a list of changes or nothing", async () => {
    await index.apply([put("a.md", ["x"])]);
    await expect(index.apply([put("b.md", ["x"]), put("c.md", [])])).rejects.toThrow(RangeError);
    expect(await standing("x")).toEqual(["a.md text 1"]);
  });

  test("no term or phrase is a syntax error", async () => {
    await index.apply([put("a.md", ["x"])]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 4 }), async (terms) => {
        await index.postings(terms[0] ?? "");
        await index.phrase(terms);
      }),
    );
  });
});

test("two processes' worth of connections write in turn and see each other's documents", async () => {
  const path = join(folder, "index.db");
  const [one, other] = [openTextIndex({ path }), openTextIndex({ path })];
  const write = (index: TextIndex, name: string) =>
    Promise.all(Array.from({ length: 20 }, (_, i) => index.apply([put(`${name}${i}.md`, ["shared"])])));
  await Promise.all([write(one, "a"), write(other, "b")]);
  expect((await one.postings("shared")).length).toBe(40);
  await one.close();
  expect((await other.postings("shared")).length).toBe(40);
  await other.close();
  const again = openTextIndex({ path });
  expect((await again.files("/s")).size).toBe(40);
  await again.close();
});
