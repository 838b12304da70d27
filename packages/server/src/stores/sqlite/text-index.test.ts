import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createMemoryTextIndex } from "../memory/text-index.ts";
import type { IndexChange, NewDocument, Segment, TermBlock, TextIndex } from "../store.ts";
import { openTextIndex } from "./text-index.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "text-index-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const stamp = { size: 7, mtimeNs: 1_700_000_000_123_456_789n, ino: 0xffff_ffff_ffff_fff0n };
const key = (path: string, source = "/s") => ({ source, path });
const document = (number: number, more: Partial<NewDocument> = {}): NewDocument => ({
  number,
  part: "",
  sha256: "ab".repeat(32),
  title: "T",
  language: "en",
  time: 1_700_000_000_000,
  about: 1,
  words: 2,
  facts: { tags: ["x"] },
  passages: [{ start: 0, end: 5, sha256: "cd".repeat(32), text: "hello", label: "Top" }],
  ...more,
});
const done = (path: string, parts = [""]): IndexChange => ({
  kind: "done",
  key: key(path),
  stamp,
  sha256: "ef",
  parts: new Set(parts),
});
const add = (path: string, ...documents: NewDocument[]): IndexChange => ({ kind: "add", key: key(path), documents });
const block = (first: string): TermBlock => ({ first, postings: Uint8Array.of(1, 2), positions: Uint8Array.of(3) });
const segment = (...documents: number[]): Segment => ({
  documents: Uint32Array.from(documents),
  lengths: Uint16Array.from(documents, () => 2),
  blocks: documents.length > 0 ? [block("a"), block("mé\ud83d\ude00")] : [],
  vocabulary: "hello\n",
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
  const ids = (): number[] => [...index.entries(0)].map(({ id }) => id);

  test("gives back what it was given", async () => {
    const text = new TextEncoder().encode("derived");
    await index.apply(
      [add("a.md", document(0)), done("a.md"), add("b.pdf", document(1, { text })), done("b.pdf")],
      segment(0, 1),
    );
    const [a, b] = ids() as [number, number];
    expect(index.documentById(a)).toEqual({
      ...key("a.md"),
      ...{ id: a, part: "", title: "T", language: "en", time: 1_700_000_000_000, about: 1, words: 2, passages: 1 },
      ...{ facts: { tags: ["x"] }, derived: false, stamp },
    });
    expect(index.document(key("b.pdf"))).toMatchObject({ id: b, derived: true });
    expect(Buffer.from(index.text(b) ?? []).toString()).toBe("derived");
    expect([index.text(a), index.document(key("c")), index.documentById(99), index.passage(a, 1)]).toEqual(
      Array.from({ length: 4 }, () => undefined),
    );
    expect([index.passageText(a, 0), index.passageText(a, 1)]).toEqual(["hello", ""]);
    expect(index.passage(a, 0)).toEqual({ start: 0, end: 5, sha256: "cd".repeat(32), text: "hello", label: "Top" });
    const [kept] = index.segments().map((id) => index.segment(id));
    expect(kept).toMatchObject({ firsts: ["a", "mé\ud83d\ude00"] });
    expect([...(kept?.documents ?? [])]).toEqual([a, b]);
    expect(index.vocabulary(kept?.id ?? 0)).toBe("hello\n");
    const read = index.block(kept?.id ?? 0, 1, true);
    expect([[...(read?.postings ?? [])], [...(read?.positions ?? [])]]).toEqual([[1, 2], [3]]);
    expect(index.block(kept?.id ?? 0, 2, true)).toBeUndefined();
  });

  test("a changed document has a new id, the old one is told as gone, and no id comes twice", async () => {
    await index.apply([add("a.md", document(0)), done("a.md")], segment(0));
    const [first] = ids();
    const before = index.gone(0)?.until ?? 0;
    const version = index.version();
    await index.apply([add("a.md", document(0, { sha256: "00" })), done("a.md")], segment(0));
    if (_ === "memory") expect(index.version()).not.toBe(version);
    expect(ids()).toHaveLength(1);
    expect(ids()).not.toContain(first);
    expect(index.gone(before)?.ids).toEqual([first]);
    await index.apply([{ kind: "remove", key: key("a.md") }], segment());
    // In the segment, but of no document.
    await index.apply([], segment(0, 1, 2));
    await index.apply([add("b.md", document(0)), done("b.md")], segment(0));
    const taken = index.segments().flatMap((id) => [...(index.segment(id)?.documents ?? [])]);
    expect(new Set(taken).size).toBe(taken.length);
    expect([...(await index.files("/s")).keys()]).toEqual(["b.md"]);
  });

  test("a file of many documents is unread until it is done, and then has only the parts that were found", async () => {
    await index.apply([add("c.json", document(0, { part: "x" }), document(1, { part: "y" }))], segment(0, 1));
    expect((await index.files("/s")).get("c.json")).toMatchObject({ sha256: "", documents: 2 });
    await index.apply(
      [add("c.json", document(0, { part: "z", sha256: "77" })), done("c.json", ["y", "z"])],
      segment(0),
    );
    expect(await index.parts(key("c.json"))).toEqual(
      new Map([
        ["y", "ab".repeat(32)],
        ["z", "77"],
      ]),
    );
    expect((await index.files("/s")).get("c.json")).toMatchObject({ sha256: "ef", documents: 2, passages: 2 });
  });

  test("gives stamps back to the last bit, by source", async () => {
    const skip = { kind: "skip", key: key("b.bin"), stamp, reason: "It is binary." } as const;
    await index.apply([add("a.md", document(0)), done("a.md"), skip], segment(0));
    await index.apply([{ kind: "add", key: key("c.md", "/t"), documents: [document(0)] }], segment(0));
    const files = await index.files("/s");
    expect([...files.keys()].sort()).toEqual(["a.md", "b.bin"]);
    expect(files.get("a.md")).toEqual({ ...key("a.md"), ...stamp, sha256: "ef", documents: 1, passages: 1 });
    expect(files.get("b.bin")?.reason).toBe("It is binary.");
    const moved = { ...stamp, mtimeNs: stamp.mtimeNs + 1n };
    await index.apply([{ kind: "stamp", key: key("a.md"), stamp: moved }], segment());
    expect((await index.files("/s")).get("a.md")?.mtimeNs).toBe(moved.mtimeNs);
  });

  test("does all of a list of changes or nothing", async () => {
    await index.apply([add("a.md", document(0)), done("a.md")], segment(0));
    const before = ids();
    const bad = add("c.md", document(1, { passages: [] }));
    await expect(index.apply([add("b.md", document(0)), bad], segment(0, 1))).rejects.toThrow(RangeError);
    expect(ids()).toEqual(before);
    expect(index.segments()).toHaveLength(1);
  });

  test("a segment takes the place of others at once, or not at all when one of them is gone", async () => {
    await index.apply([add("a.md", document(0)), done("a.md")], segment(0));
    await index.apply([add("b.md", document(0)), done("b.md")], segment(0));
    const old = index.segments();
    const facts = { documents: Uint32Array.from(ids()), lengths: Uint16Array.of(2, 2), vocabulary: "" };
    const [writer, late] = [await index.replace(old), await index.replace(old)];
    await writer.add([block("a")]);
    await late.add([block("a")]);
    expect(index.segments()).toEqual(old);
    expect(await writer.finish(facts)).toBe(true);
    expect(await late.finish(facts)).toBe(false);
    const [merged, ...others] = index.segments();
    expect(others).toEqual([]);
    expect(index.segment(merged ?? 0)).toMatchObject({ firsts: ["a"], ...{ documents: facts.documents } });
    expect(old.map((id) => index.block(id, 0, false))).toEqual([undefined, undefined]);
  });
});

test("two processes' worth of connections write in turn and see each other's documents", async () => {
  const path = join(folder, "index.db");
  const [one, other] = [openTextIndex({ path }), openTextIndex({ path })];
  const write = (index: TextIndex, name: string) =>
    Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        index.apply([add(`${name}${i}.md`, document(0)), done(`${name}${i}.md`)], segment(0)),
      ),
    );
  const version = one.version();
  await Promise.all([write(one, "a"), write(other, "b")]);
  expect(one.version()).not.toBe(version);
  for (const index of [one, other]) expect(new Set([...index.entries(0)].map(({ id }) => id)).size).toBe(40);
  // The same file, read by both: one document.
  await Promise.all(
    [one, other].map((index) => index.apply([add("same.md", document(0)), done("same.md")], segment(0))),
  );
  expect([...one.entries(0)].filter(({ path: at }) => at === "same.md")).toHaveLength(1);
  await one.close();
  await other.close();
  const again = openTextIndex({ path });
  expect((await again.files("/s")).size).toBe(41);
  await again.close();
});

test("a file of the first form is emptied and used", async () => {
  const path = join(folder, "index.db");
  const old = new DatabaseSync(path);
  old.exec(
    "CREATE TABLE files (id INTEGER PRIMARY KEY, title TEXT); CREATE TABLE passages (chunk INTEGER PRIMARY KEY)",
  );
  old.exec(
    "CREATE VIRTUAL TABLE terms USING fts5(text, content = '', contentless_delete = 1); PRAGMA user_version = 1",
  );
  old.close();
  const index = openTextIndex({ path });
  await index.apply([add("a.md", document(0)), done("a.md")], segment(0));
  expect([...(await index.files("/s")).keys()]).toEqual(["a.md"]);
  await index.close();
});
