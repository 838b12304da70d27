import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openTextIndex } from "../../stores/sqlite/text-index.ts";
import type { KeptSegment, Segment } from "../../stores/store.ts";
import { createSegmentBuilder, type DocumentText } from "./builder.ts";
import { merge } from "./merge.ts";

const toDocument = (...texts: string[]): DocumentText => ({
  language: "en",
  about: "a note",
  tags: ["boats"],
  passages: texts.map((text) => ({ raw: Buffer.from(text) })),
});

/** Fails when its last passage is read. */
const failing = (): DocumentText => ({
  ...toDocument("one"),
  passages: [
    { raw: Buffer.from("one two three two one"), context: "two" },
    {
      get raw(): Buffer {
        throw new Error("This cannot be read.");
      },
    },
  ],
});

test("a document that fails half way leaves nothing behind in the segment", () => {
  const [one, other] = [createSegmentBuilder(), createSegmentBuilder()];
  const [first, last] = [toDocument("three two one", "two one"), toDocument("one two", "three three")];
  one.add(first);
  expect(() => one.add(failing())).toThrow("This cannot be read.");
  expect(one.add(last).number).toBe(1);
  other.add(first);
  other.add(last);
  expect(one.size).toBe(other.size);
  expect(one.take()).toEqual(other.take());
});

test("a damaged segment ends the merge with a word, not in a loop", async () => {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-segment-"));
  const index = openTextIndex({ path: join(folder, "index.db") });
  onTestFinished(async () => {
    await index.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const builder = createSegmentBuilder();
  builder.add(toDocument("one two one two one"));
  const segment: Segment = builder.take();
  const kept: KeptSegment = { id: 1, ...segment, firsts: [segment.blocks[0]?.first ?? ""] };
  const damaged = {
    ...index,
    documentById: () => ({}),
    replace: async () => ({ add: async () => {}, finish: async () => true, abandon: async () => {} }),
    block: () => {
      const { postings, positions } = segment.blocks[0] ?? { postings: new Uint8Array(), positions: new Uint8Array() };
      return { postings, positions: positions.map(() => 255) };
    },
  } as unknown as typeof index;
  await expect(merge(damaged, [kept, { ...kept, id: 2 }], new AbortController().signal)).rejects.toThrow("damaged");
});
