import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as discordJs from "discord.js";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type FakeDiscord, startDiscord } from "../../../../test/support/discord/discord-server.ts";
import { type FakeChannel, newId } from "../../../../test/support/discord/guild.ts";
import type { MessageStore } from "../stores/message-store.ts";
import { openMessageStore } from "../stores/sqlite/message-store.ts";
import type { MessageChange } from "./link-messages.ts";
import { createPlaces } from "./places.ts";
import { createReadBack } from "./read-back.ts";
import { createRest } from "./rest.ts";
import type { ListedChannel } from "./settings.ts";

const guild = newId();
let discord: FakeDiscord;
let folder: string;
let store: MessageStore;
let general: FakeChannel;
let faults: string[];
let changes: MessageChange[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "portcullis-read-back-"));
  store = openMessageStore({ path: join(folder, "discord.db") });
  discord = await startDiscord();
  general = discord.channel({ guild });
  faults = [];
  changes = [];
});
afterEach(async () => {
  store.close();
  await discord.close();
  rmSync(folder, { recursive: true, force: true });
});

const listed = (more: Partial<ListedChannel> = {}): ListedChannel => ({
  ...{ guild, channel: general.id, messages: 1_000, days: 0 },
  ...more,
});

async function read(
  channels: readonly ListedChannel[],
  ending = new AbortController(),
  api = discord.api,
): Promise<void> {
  const options = { token: discord.token, api, channels, privateHosts: [] };
  const readBack = createReadBack({
    ...{
      rest: createRest(discordJs, options),
      store,
      places: createPlaces(store, channels),
      signal: ending.signal,
      paceMs: 0,
    },
    againMs: 500,
    tell: (change) => changes.push(change),
    fault: (message, cause) => faults.push(`${message} ${cause}`),
  });
  readBack.begin({ anew: true });
  await readBack.settled();
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, at) => `message ${from + at}`);
const texts = (): readonly string[] =>
  store
    .search({ words: [], limit: 5_000 })
    .map(({ text }) => text)
    .reverse();
const pages = () => discord.requests.filter(({ path }) => path.includes("/messages?"));

test("it reads the newest first, as far as the owner's bound, and further when that is raised", async () => {
  discord.fill(general, numbers(0, 450));
  await read([listed({ messages: 250 })]);
  expect(texts()).toEqual(numbers(200, 450));
  expect(store.mark(general.id)).toMatchObject({ ended: "bound", count: 250 });
  expect(pages()).toHaveLength(3);
  // All that was read back is old: nobody is told that it has come.
  expect(changes).toEqual([]);

  await read([listed({ messages: 1_000 })]);
  expect(texts()).toEqual(numbers(0, 450));
  expect(store.mark(general.id).ended).toBe("whole");
});

test("what was edited and deleted far back while nobody listened is found and told", async () => {
  discord.fill(general, numbers(0, 250));
  await read([listed()]);
  const edited = general.messages[30];
  Object.assign(edited ?? {}, { content: "message 30, edited", edited_timestamp: new Date().toISOString() });
  general.messages.splice(20, 1);
  await read([listed()]);
  expect(texts()).toEqual([...numbers(0, 20), ...numbers(21, 30), "message 30, edited", ...numbers(31, 250)]);
  expect(changes.map(({ kind, message }) => [kind, message.text])).toEqual([
    ["edited", "message 30, edited"],
    ["deleted", "message 20"],
  ]);
});

test("days bound it too, by the time in the ids", async () => {
  const day = 86_400_000;
  discord.fill(general, numbers(0, 150), Date.now() - 40 * day);
  discord.fill(general, numbers(150, 250), Date.now() - 10 * day);
  await read([listed({ days: 20 })]);
  // The page that crosses the bound is kept; none is asked for beyond it.
  expect(texts()).toEqual(numbers(50, 250));
});

test("after a crash it goes on where it was, without a hole and without a second time", async () => {
  discord.fill(general, numbers(0, 1_000));
  const crash = new AbortController();
  let asked = 0;
  discord.instead = (path) => {
    if (path.includes("/messages?") && ++asked === 5) crash.abort();
    return undefined;
  };
  await read([listed()], crash);
  const kept = texts().length;
  expect(kept).toBeGreaterThanOrEqual(300);
  expect(kept).toBeLessThan(1_000);
  store.close();
  store = openMessageStore({ path: join(folder, "discord.db") });

  discord.instead = undefined;
  discord.requests.length = 0;
  discord.fill(general, numbers(1_000, 1_150), Date.now());
  await read([listed({ messages: 5_000 })]);
  expect(texts()).toEqual(numbers(0, 1_150));
  // What came meanwhile is told.
  expect(changes.filter(({ kind }) => kind === "created")).toHaveLength(150);
  const again = Math.ceil(kept / 100);
  expect(pages().length).toBeLessThanOrEqual(13 + again + 2);
});

test("a limit is waited for, by route and for all, and a server's fault is tried again", async () => {
  discord.fill(general, numbers(0, 120));
  const refusals = [
    {
      status: 429,
      headers: { "retry-after": "0.3", "x-ratelimit-scope": "user" },
      body: { message: "slow", retry_after: 0.3, global: false },
    },
    {
      status: 429,
      headers: { "retry-after": "0.3", "x-ratelimit-global": "true", "x-ratelimit-scope": "global" },
      body: { message: "slow", retry_after: 0.3, global: true },
    },
    { status: 502, body: "<html>bad gateway" },
  ];
  discord.instead = (path) => (path.includes("/messages?") ? refusals.shift() : undefined);
  const begun = performance.now();
  await read([listed()]);
  expect(performance.now() - begun).toBeGreaterThan(600);
  expect(texts()).toEqual(numbers(0, 120));
  expect(pages()).toHaveLength(5);

  // One that goes on for long is given up for now, and told.
  discord.instead = (path) => (path.includes("/messages?") ? { status: 503, body: {} } : undefined);
  await read([listed()]);
  expect(faults.join()).toContain(`The channel ${general.id} of Discord could not be read.`);
  expect(texts()).toHaveLength(120);
  discord.instead = undefined;
  discord.fill(general, ["after it"], Date.now());
  await vi.waitFor(() => expect(texts()).toContain("after it"), { timeout: 20_000, interval: 50 });
});

test("what is refused is left with what to do, and the others are read", async () => {
  const [shut, gone, elsewhere] = [discord.channel({ guild }), newId(), discord.channel({ guild: newId() })];
  shut.refuses = 403;
  discord.fill(general, ["here"]);
  discord.fill(elsewhere, ["of another guild"]);
  await read([listed({ channel: shut.id }), listed({ channel: gone }), listed({ channel: elsewhere.id }), listed()]);
  expect(texts()).toEqual(["here"]);
  expect(store.mark(shut.id)).toMatchObject({
    ended: "refused",
    note: expect.stringContaining("Read Message History"),
  });
  expect(store.mark(gone)).toMatchObject({ ended: "refused", note: expect.stringContaining("knows no such channel") });
  expect(store.mark(elsewhere.id)).toMatchObject({
    ended: "refused",
    note: expect.stringContaining("is not in the guild"),
  });
  shut.refuses = undefined;
  discord.fill(shut, ["opened"]);
  await read([listed({ channel: shut.id }), listed()]);
  expect(texts()).toContain("opened");
});

test("archived threads and forums are read; what the owner takes from the list is dropped", async () => {
  const forum = discord.channel({ guild, type: 15, name: "forum" });
  forum.refuses = undefined;
  const post = discord.channel({ guild, type: 11, parent_id: forum.id, name: "post" });
  const archived = discord.channel({
    ...{ guild, type: 11, parent_id: general.id, name: "old" },
    thread_metadata: { archived: true, archive_timestamp: "2026-01-01T00:00:00Z" },
  });
  discord.fill(post, ["in a forum"]);
  discord.fill(archived, ["in an old thread"]);
  await read([listed(), listed({ channel: forum.id })]);
  expect([...texts()].sort()).toEqual(["in a forum", "in an old thread"]);
  expect(discord.requests.some(({ path }) => path.startsWith(`/channels/${forum.id}/messages`))).toBe(false);
  await read([listed({ channel: forum.id })]);
  expect(texts()).toEqual(["in a forum"]);
});

test("a page of nonsense ends it, and one that is too large is asked for in parts", async () => {
  for (const body of [{}, "no JSON", [null, 7, { id: 5 }, { id: "x" }], [{ id: newId(), content: "no author" }]]) {
    discord.instead = (path) => (path.includes("/messages?") ? { status: 200, body } : undefined);
    await read([listed()]);
    expect(texts()).toEqual([]);
  }
  discord.instead = undefined;
  discord.fill(general, ["small", "y".repeat(13_000_000)]);
  discord.fill(general, numbers(0, 15), Date.now());
  await read([listed({ messages: 900 })]);
  expect(texts()).toEqual(numbers(0, 15));
  expect(store.mark(general.id)).toMatchObject({ ended: "refused", note: expect.stringContaining("too large") });
});

test("a redirect to another host is not followed, and the token stays here", async () => {
  const other = await startDiscord();
  discord.fill(general, ["here"]);
  discord.instead = (path) =>
    path.includes("/messages?") ? { status: 302, headers: { location: `${other.api}/v10${path}` } } : undefined;
  await read([listed()]);
  expect(texts()).toEqual([]);
  expect(other.requests).toEqual([]);
  expect(faults.join()).toContain("could not be read");
  expect(faults.join()).not.toContain(discord.token);
  await other.close();
});
