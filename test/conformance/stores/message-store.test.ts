import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { KeptMessage, MessageStore } from "../../../packages/server/src/stores/message-store.ts";
import { openMessageStore } from "../../../packages/server/src/stores/sqlite/message-store.ts";
import { atEnd, makeFolder } from "./engines.ts";

// Ids beyond 2^53, where a Number would give several messages one id.
const base = 1_574_542_801_859_772_416n;
const idOf = (at: number): string => String(base + BigInt(at));
const [guild, channel, thread] = ["9007199254740993", "9007199254740995", "9007199254740997"];

const message = (at: number, text: string, more: Partial<KeptMessage> = {}): KeptMessage => ({
  ...{ id: idOf(at), guild, channel, thread: "", authorId: "7", author: "Ada", bot: false, text, truncated: false },
  ...{ replyTo: "", attachments: [], editedAt: 0, ...more },
});

function open(folder = makeFolder()): { store: MessageStore; path: string } {
  const path = join(folder, "discord.db");
  const store = openMessageStore({ path });
  atEnd(() => store.close());
  return { store, path };
}

const textsOf = (found: readonly KeptMessage[]): readonly string[] => found.map(({ text }) => text);

test("ids that differ in their last digit are two messages, and come back as they are", () => {
  const { store } = open();
  expect(store.put([message(0, "a"), message(1, "b")])).toEqual(["new", "new"]);
  expect(store.find(idOf(1))).toEqual(message(1, "b"));
  expect(store.search({ words: [], before: idOf(1), limit: 5 }).map(({ id }) => id)).toEqual([idOf(0)]);
});

test("words, phrases, channel, author and time narrow a search, the newest first", () => {
  const { store } = open();
  store.putChannel({ id: channel, guild, parent: "", name: "general" });
  store.putChannel({ id: thread, guild, parent: channel, name: "nests" });
  store.put([
    message(1, "The heron eats fish"),
    message(2, "fish and a HERON", { authorId: "8" }),
    message(3, "Hérons", {
      thread,
      attachments: [{ name: "nest plan.pdf", contentType: "application/pdf", bytes: 7 }],
    }),
    message(4, "elsewhere, a heron", { channel: "11" }),
  ]);
  const search = (words: readonly string[], more: object = {}) => textsOf(store.search({ words, limit: 10, ...more }));
  expect(search(["heron"])).toEqual(["elsewhere, a heron", "fish and a HERON", "The heron eats fish"]);
  expect(search(["herons"])).toEqual(["Hérons"]);
  expect(search(["plan"])).toEqual(["Hérons"]);
  expect(search(["heron", "fish"])).toHaveLength(2);
  expect(search(["heron eats"])).toEqual(["The heron eats fish"]);
  expect(search(["heron"], { author: "8" })).toEqual(["fish and a HERON"]);
  expect(search([], { author: "8" })).toEqual(["fish and a HERON"]);
  expect(search(["heron"], { channel: "11" })).toEqual(["elsewhere, a heron"]);
  expect(search([], { channel })).toEqual(["Hérons", "fish and a HERON", "The heron eats fish"]);
  expect(search([], { channel: thread })).toEqual(["Hérons"]);
  expect(search([], { place: channel })).toEqual(["fish and a HERON", "The heron eats fish"]);
  expect(search(["heron"], { since: idOf(2), before: idOf(4) })).toEqual(["fish and a HERON"]);
  expect(search(["heron"], { limit: 1 })).toHaveLength(1);
  // What means something to the index's own language is a word like any other.
  for (const word of ['"', "NEAR(a b)", "text : x", "a* OR b", "-", "c11", "^heron", "'"])
    expect(() => search([word])).not.toThrow();
  expect(search(["place : c11"])).toEqual([]);
});

test("an edit replaces the text, an older form does not, and another name is no edit", () => {
  const { store } = open();
  store.put([message(1, "first")]);
  expect(store.put([message(1, "second", { editedAt: 5 })])).toEqual(["changed"]);
  expect(store.put([message(1, "first")])).toEqual(["same"]);
  expect(store.put([message(1, "second", { editedAt: 5, author: "Ada L." })])).toEqual(["same"]);
  expect(store.find(idOf(1))).toMatchObject({ text: "second", author: "Ada L." });
  expect(store.search({ words: ["first"], limit: 1 })).toEqual([]);
});

test("what is deleted is in no file any more, and does not come back", () => {
  const { store, path } = open();
  const words = Array.from({ length: 200 }, (_, at) => message(at + 10, `common words ${at}`));
  store.put([message(1, "kingfisher secret"), ...words]);
  expect(textsOf(store.remove([idOf(1), idOf(999)]))).toEqual(["kingfisher secret"]);
  for (const file of [path, `${path}-wal`]) expect(readFileSync(file, "latin1"), file).not.toContain("kingfisher");
  expect(store.put([message(1, "kingfisher secret")])).toEqual(["same"]);
  expect(store.put([message(999, "came late")])).toEqual(["same"]);
  expect(store.count()).toBe(200);
  store.close();
  expect(readFileSync(path, "latin1")).not.toContain("kingfisher");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const again = openMessageStore({ path, readOnly: true });
  expect(again.find(idOf(1))).toBeUndefined();
  again.close();
});

test("a channel that is dropped goes with its threads, its marks and its words", () => {
  const { store } = open();
  store.putChannel({ id: channel, guild, parent: "", name: "general" });
  store.putChannel({ id: thread, guild, parent: channel, name: "nests" });
  for (const id of [channel, thread])
    store.putMark(id, { oldest: "1", newest: "2", count: 1, ended: "whole", note: "" });
  store.put([
    ...Array.from({ length: 1_200 }, (_, at) => message(at, `heron ${at}`)),
    message(2_000, "heron", { thread }),
  ]);
  store.put([message(3_000, "a heron there", { channel: "11" })]);
  store.dropChannel(channel);
  expect(textsOf(store.search({ words: ["heron"], limit: 10 }))).toEqual(["a heron there"]);
  expect(store.channels()).toEqual([]);
  expect(store.mark(thread)).toEqual({ oldest: "", newest: "", count: 0, ended: "", note: "" });
});
