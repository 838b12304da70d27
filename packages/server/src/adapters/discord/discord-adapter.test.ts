import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Resource, toUri } from "@portcullis/contracts";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { DiscordLink, Follower } from "../../discord/discord-link.ts";
import { readMessageName } from "../../discord/place.ts";
import { snowflakeAt } from "../../discord/snowflake.ts";
import type { KeptMessage, MessageStore } from "../../stores/message-store.ts";
import { openMessageStore } from "../../stores/sqlite/message-store.ts";
import type { Follow, Happening, Permit, Use } from "../adapter.ts";
import { createDiscordSource } from "./discord-source.ts";
import { createFetchMessage } from "./fetch-message.ts";
import { createSearch } from "./search.ts";
import { createStream } from "./stream.ts";

const [guild, general, secret, thread] = [
  "100000000000000001",
  "200000000000000001",
  "200000000000000002",
  "300000000000000001",
];
const start = Date.parse("2026-06-01T12:00:00Z");
const idAt = (at: number): string => String(BigInt(snowflakeAt(start + at * 1_000) ?? "0") + 1n);

let folder: string;
let store: MessageStore;
let link: DiscordLink;
let followers: Follower[];
let elsewhere: KeptMessage | undefined;
let asked: object[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "portcullis-adapter-"));
  store = openMessageStore({ path: join(folder, "discord.db") });
  store.putChannel({ id: general, guild, parent: "", name: "general" });
  store.putChannel({ id: thread, guild, parent: general, name: "nests" });
  store.putChannel({ id: secret, guild, parent: "", name: "secret" });
  followers = [];
  asked = [];
  elsewhere = undefined;
  const listed = [general, secret].map((channel) => ({ guild, channel, messages: 1, days: 0 }));
  link = {
    ...{ channels: listed, start: () => {}, store: () => store, fault: () => undefined, stop: async () => {} },
    status: () => ({ state: "live", message: "Connected.", at: 1 }),
    follow: (follower) => void followers.push(follower),
    async fetch(place) {
      asked.push(place);
      return elsewhere;
    },
  };
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const message = (at: number, text: string, more: Partial<KeptMessage> = {}): KeptMessage => ({
  ...{
    id: idAt(at),
    guild,
    channel: general,
    thread: "",
    authorId: "7",
    author: "Ada",
    bot: false,
    text,
    truncated: false,
  },
  ...{ replyTo: "", attachments: [], editedAt: 0, ...more },
});

/** Hides what a text in its URI names. */
const hiding =
  (...parts: readonly string[]) =>
  (resource: Resource): boolean =>
    resource.kind === "discord" && !parts.some((part) => toUri(resource).includes(part));
const use = (allows: (resource: Resource) => boolean, maxBytes = 1_000_000): Use => ({
  permit: { allows, maxBytes } as unknown as Permit,
  signal: new AbortController().signal,
  progress: () => {},
});

test("a search goes on behind hidden messages, and where it stops tells a time and no hidden id", async () => {
  store.put(
    Array.from({ length: 450 }, (_, at) => message(at, `heron ${at}`, { channel: at % 45 === 0 ? general : secret })),
  );
  const search = createSearch(link);
  const first = await search.run({ query: "heron", limit: 6 }, use(hiding(secret)));
  expect(first.messages.map(({ text }) => text)).toEqual([405, 360, 315, 270, 225, 180].map((at) => `heron ${at}`));
  expect(first.next).toBe(new Date(start + 180_000 + 1).toISOString());
  const second = await search.run({ query: "heron", limit: 6, until: first.next as string }, use(hiding(secret)));
  expect(second.messages.map(({ text }) => text)).toEqual([180, 135, 90, 45, 0].map((at) => `heron ${at}`));
  expect(second.next).toBeUndefined();
  expect(search.filter?.(first, hiding(general)).messages).toEqual([]);
});

test("a search is bounded by bytes, refuses what is no time, and knows only listed channels", async () => {
  store.put([message(1, "a".repeat(600)), message(2, "b".repeat(600))]);
  const search = createSearch(link);
  const { messages, next } = await search.run({}, use(hiding(), 1_000));
  expect(messages).toHaveLength(1);
  expect(next).toBeDefined();
  await expect(search.run({ since: "yesterday" }, use(hiding()))).rejects.toMatchObject({ code: "VALIDATION_ERROR" });
  await expect(search.run({ channel: "5" }, use(hiding()))).rejects.toMatchObject({ code: "NOT_FOUND" });
  for (const time of ["1970-01-01", "+275760-09-13T00:00:00Z", "2026-06-01T12:00:02Z"])
    expect((await search.run({ since: time }, use(hiding()))).messages).toHaveLength(
      time.startsWith("1970") ? 2 : time.startsWith("+") ? 0 : 1,
    );
  expect(await search.run({ query: "?! …" }, use(hiding()))).toEqual({ messages: [] });
  expect(search.touches({ channel: thread })).toEqual([
    { kind: "discord", guild, channel: general, thread, collection: true },
  ]);
});

test("a message is found by its id, link and URI; what is hidden, unknown or somewhere else is told alike", async () => {
  store.put([message(1, "here"), message(2, "in the thread", { thread }), message(3, "hidden", { channel: secret })]);
  const fetch = createFetchMessage(link);
  const ids = [
    idAt(1),
    `https://discord.com/channels/${guild}/${general}/${idAt(1)}`,
    `discord://${guild}/${general}/${idAt(1)}`,
  ];
  for (const id of ids)
    expect(await fetch.run({ id }, use(hiding(secret)))).toMatchObject({ text: "here", channelName: "general" });
  for (const id of [
    `https://discord.com/channels/${guild}/${thread}/${idAt(2)}`,
    `discord://${guild}/${general}/${thread}/${idAt(2)}`,
  ]) {
    expect(fetch.touches({ id })).toEqual([{ kind: "discord", guild, channel: general, thread, message: idAt(2) }]);
    expect(await fetch.run({ id }, use(hiding(secret)))).toMatchObject({ text: "in the thread", threadName: "nests" });
  }
  const refusals = await Promise.all(
    [
      ...[idAt(3), idAt(9), `discord://${guild}/5/${idAt(1)}`, `discord://6/${general}/${idAt(1)}`],
      `discord://${guild}/${general}/${idAt(2)}`,
      // A hidden one under the name of an open channel.
      ...[`discord://${guild}/${general}/${idAt(3)}`, `discord://${guild}/${secret}/${thread}/${idAt(2)}`],
    ].map((id) => fetch.run({ id }, use(hiding(secret))).catch(({ code, message: says }) => `${code} ${says}`)),
  );
  expect(new Set(refusals)).toEqual(new Set(["NOT_FOUND There is no such message that you may read."]));
  expect(asked).toEqual([]);
  for (const id of [
    "x",
    "-1",
    "99999999999999999999",
    "https://evil.test/channels/1/2/3",
    `discord://${guild}/../${idAt(1)}`,
  ])
    await expect(fetch.run({ id }, use(hiding()))).rejects.toMatchObject({ code: "VALIDATION_ERROR" });
});

test("a message that is not kept is asked for by its link alone, and its touch says that this leaves", async () => {
  const fetch = createFetchMessage(link);
  const id = `https://discord.com/channels/${guild}/${general}/${idAt(5)}`;
  expect(fetch.touches({ id })).toEqual([
    { kind: "discord", guild, channel: general, message: idAt(5), elsewhere: true },
  ]);
  await expect(fetch.run({ id }, use(hiding()))).rejects.toMatchObject({ code: "NOT_FOUND" });
  elsewhere = message(5, "from Discord");
  expect(await fetch.run({ id }, use(hiding()))).toMatchObject({ text: "from Discord" });
  expect(asked).toHaveLength(2);
});

test("the stream tells of what policy shows, of deleted ones nothing that they said, and merges what waits", async () => {
  const stream = createStream(link);
  const told: Happening[] = [];
  let lost = 0;
  const follow = {
    signal: new AbortController().signal,
    tell: (one: Happening) => told.push(one),
    lost: () => lost++,
  } as unknown as Follow;
  await stream.open({ channel: general }, follow);
  const [follower] = followers;
  follower?.changed({ kind: "created", message: message(1, "one") });
  follower?.changed({ kind: "created", message: message(2, "in the thread", { thread }) });
  follower?.changed({ kind: "created", message: message(3, "hidden", { channel: secret }) });
  follower?.changed({
    kind: "deleted",
    message: message(4, "heron", { attachments: [{ name: "nest.pdf", contentType: "", bytes: 1 }] }),
  });
  follower?.lost();
  expect(told).toHaveLength(3);
  expect(lost).toBe(1);
  expect(JSON.stringify(told[2])).not.toMatch(/heron|nest\.pdf|Ada/);
  const [created, , deleted] = told as [Happening, Happening, Happening];
  expect(stream.show(created, hiding(general))).toBeUndefined();
  expect(stream.show(created, hiding(secret))).toBe(created);
  expect(stream.merge?.(created, deleted)).toBeUndefined();
  expect(stream.merge?.(created, { ...created, data: { ...created.data, kind: "edited" } })?.data.kind).toBe("created");
  await expect(stream.open({ channel: "5" }, follow)).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("search and fetch take an id that names exactly where a message is", async () => {
  store.put([message(1, "heron here"), message(3, "hidden heron", { channel: secret })]);
  const source = createDiscordSource(link);
  const signal = new AbortController().signal;
  const hits = await source.search({ query: "heron", limit: 5, allows: hiding(secret), signal, withinMs: 1_000 });
  expect(hits).toMatchObject([
    { id: `discord/${guild}/${general}/${idAt(1)}`, title: "Ada in #general, 2026-06-01 12:00" },
  ]);
  expect(await source.fetch(hits[0]?.id ?? "", { maxBytes: 1_000, signal })).toMatchObject({ text: "heron here" });
  await expect(
    source.fetch(`discord/${guild}/${general}/${idAt(3)}`, { maxBytes: 1_000, signal }),
  ).rejects.toMatchObject({ code: "NOT_FOUND" });
  for (const id of [
    "discord/1",
    `discord/${guild}/${general}/x`,
    `discord/${guild}/${general}/01`,
    "discord/1/2/3/4/5",
  ])
    expect(() => source.resource(id), id).toThrow(/no document/);
});

test("names of messages are read as they are written, and nothing else is", () => {
  expect(readMessageName("discord://1/2/3")).toEqual({ guild: "1", within: "2", message: "3" });
  expect(readMessageName("discord://1/2/3/4")).toEqual({ guild: "1", within: "3", parent: "2", message: "4" });
  expect(readMessageName("https://canary.discord.com/channels/1/2/3")).toEqual({
    guild: "1",
    within: "2",
    message: "3",
  });
  for (const text of [
    "https://discord.com.evil.test/channels/1/2/3",
    "https://discord.com/channels/@me/2/3",
    "discord://1/2",
    "0",
    "",
  ])
    expect(readMessageName(text)).toBeUndefined();
});
