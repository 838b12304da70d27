import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type FakeDiscord, startDiscord } from "../../../../test/support/discord/discord-server.ts";
import { type FakeChannel, newId } from "../../../../test/support/discord/guild.ts";
import { createDiscordLink, type DiscordLink } from "./discord-link.ts";
import { toGateway } from "./gateway.ts";

const guild = newId();
const soon = { timeout: 30_000, interval: 50 };
let discord: FakeDiscord;
let folder: string;
let link: DiscordLink;
let general: FakeChannel;
let faults: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "portcullis-gateway-"));
  discord = await startDiscord();
  general = discord.channel({ guild });
  faults = [];
});
afterEach(async () => {
  await link.stop();
  await discord.close();
  rmSync(folder, { recursive: true, force: true });
});

async function begin(): Promise<void> {
  link = createDiscordLink({
    ...{ path: join(folder, "discord.db"), token: discord.token, api: discord.api, privateHosts: [], againMs: 200 },
    channels: [{ guild, channel: general.id, messages: 100, days: 0 }],
    fault: (message) => faults.push(message),
  });
  link.start();
}

const texts = (): readonly string[] =>
  link
    .store()
    .search({ words: [], limit: 1_000 })
    .map(({ text }) => text);
const holds = (expected: readonly string[]): Promise<void> => vi.waitFor(() => expect(texts()).toEqual(expected), soon);
const isLive = (): Promise<void> => vi.waitFor(() => expect(link.status().state).toBe("live"), soon);
const ops = (op: number) => discord.gateway.heard.filter((one) => one.op === op);

test("a connection that breaks is resumed, with what was told meanwhile; a session that is gone is begun anew", async () => {
  await begin();
  discord.write(general, "first");
  await holds(["first"]);
  expect(ops(2)[0]?.d).toMatchObject({ intents: 1 + 512 + 32_768, shard: [0, 1] });

  for (const [at, breaks] of [
    () => discord.gateway.drop(),
    () => discord.gateway.drop(4000),
    () => discord.gateway.op(7, null),
    () => discord.gateway.op(9, true),
  ].entries()) {
    await isLive();
    const resumes = ops(6).length;
    breaks();
    discord.write(general, `meanwhile ${at}`);
    await vi.waitFor(() => expect(ops(6).length).toBeGreaterThan(resumes), soon);
    await vi.waitFor(() => expect(texts()[0]).toBe(`meanwhile ${at}`), soon);
  }
  expect(ops(2)).toHaveLength(1);

  // No session to resume: what was written, edited and deleted meanwhile is read back.
  await isLive();
  const [first, second] = general.messages;
  if (!first || !second) throw new Error("There are no messages.");
  discord.gateway.forget();
  discord.gateway.drop();
  general.messages.splice(1, 1);
  Object.assign(first, { content: "first, edited", edited_timestamp: new Date().toISOString() });
  discord.fill(general, ["while it was away"], Date.now());
  await holds(["while it was away", "meanwhile 3", "meanwhile 2", "meanwhile 1", "first, edited"]);
  expect(ops(2).length).toBeGreaterThan(1);
  // The page that was read before the deletion may come late.
  expect(link.store().find(second.id)).toBeUndefined();
});

test("a heartbeat that is not acknowledged means a dead connection", async () => {
  discord.gateway.how.heartbeatMs = 300;
  discord.gateway.how.acks = false;
  await begin();
  await vi.waitFor(() => expect(ops(6).length).toBeGreaterThan(0), soon);
  discord.gateway.how.acks = true;
  discord.write(general, "alive");
  await holds(["alive"]);
});

test("what comes twice, late, out of order or broken changes nothing that is not so", async () => {
  await begin();
  await isLive();
  const one = discord.write(general, "one");
  await holds(["one"]);
  const place = { channel_id: general.id, guild_id: guild };
  const { gateway } = discord;
  gateway.raw("{ half a fra");
  gateway.raw("null");
  gateway.raw("[]");
  gateway.raw(Buffer.from([0x78, 0x9c, 0, 0, 255, 255]));
  gateway.dispatch("MESSAGE_CREATE", { ...one, ...place });
  gateway.dispatch("MESSAGE_UPDATE", { id: one.id, ...place, embeds: [{}] });
  gateway.dispatch("MESSAGE_DELETE_BULK", { ids: "all", ...place });
  gateway.dispatch("MESSAGE_DELETE", { id: one.id, channel_id: newId(), guild_id: guild });
  for (const id of [Number(one.id), "0", "-1", "1e9", "99999999999999999999", `${one.id}; DROP TABLE messages`, null])
    gateway.dispatch("MESSAGE_CREATE", { ...one, ...place, id, content: "bad id" });
  gateway.dispatch("MESSAGE_CREATE", { ...one, ...place, id: newId(), author: null, content: "nobody" });
  gateway.dispatch("MESSAGE_CREATE", {
    ...one,
    id: newId(),
    channel_id: general.id,
    guild_id: newId(),
    content: "another guild",
  });
  gateway.dispatch("__proto__", { channel_id: general.id });
  gateway.dispatch("error", null);
  // Its deletion comes before it does.
  const early = newId();
  gateway.dispatch("MESSAGE_DELETE", { id: early, ...place });
  gateway.dispatch("MESSAGE_CREATE", { ...one, ...place, id: early, content: "deleted before it came" });
  // An older form comes after a newer one.
  discord.edit(one, "one, edited");
  gateway.dispatch("MESSAGE_UPDATE", {
    ...one,
    ...place,
    content: "one, older",
    edited_timestamp: "2020-01-01T00:00:00Z",
  });
  discord.write(general, "‮evil\u0000 <@&1> \ud800 [x](javascript:1) @everyone".repeat(3));
  const last = discord.write(general, "x".repeat(10_000_000));
  await vi.waitFor(() => expect(link.store().find(last.id)).toMatchObject({ truncated: true }), soon);
  expect(link.store().find(last.id)?.text).toHaveLength(65_536);
  expect(texts().slice(1)).toEqual(["‮evil\u0000 <@&1> � [x](javascript:1) @everyone".repeat(3), "one, edited"]);
  expect(ops(2)).toHaveLength(1);
});

test.each([4004, 4014])("close code %i is the owner's to mend, and ends it", async (code) => {
  discord.gateway.how.refuses = code;
  await begin();
  await vi.waitFor(() => expect(link.status()).toMatchObject({ state: "refused" }), soon);
  const { connections } = discord.gateway;
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(discord.gateway.connections).toBe(connections);
  expect(link.fault()).toMatch(/^Discord: /);
});

test.each(["hello", "ready"] as const)("a connection that breaks before its %s is made again", async (silent) => {
  discord.gateway.how.silent = silent;
  await begin();
  await vi.waitFor(() => expect(discord.gateway.live).toBe(1), soon);
  if (silent === "ready") await vi.waitFor(() => expect(ops(2)).toHaveLength(1), soon);
  discord.gateway.how.silent = "";
  discord.gateway.drop();
  await isLive();
  discord.write(general, "there");
  await holds(["there"]);
});

test("a session is not resumed at another host", async () => {
  discord.gateway.how.resumeUrl = "wss://gateway.evil.test/";
  await begin();
  await isLive();
  discord.gateway.drop();
  discord.write(general, "resumed here");
  await holds(["resumed here"]);
  await vi.waitFor(() => expect(ops(6)).toHaveLength(1), soon);
});

test("a thread that dies is begun again, and none is left when it is over", async () => {
  await begin();
  await isLive();
  // A frame that the library itself stumbles over.
  discord.gateway.op(9, null);
  await vi.waitFor(() => expect(ops(2).length).toBeGreaterThan(1), soon);
  discord.write(general, "after it");
  await holds(["after it"]);
  await link.stop();
  const asked = discord.requests.length;
  await vi.waitFor(() => expect(discord.gateway.live).toBe(0), soon);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(discord.gateway.live).toBe(0);
  expect(discord.requests.length).toBe(asked);
});

test("the gateway lies at the API's own host or at Discord's", () => {
  const theirs = "https://discord.com/api";
  expect(toGateway("wss://gateway.discord.gg", theirs)).toBe("wss://gateway.discord.gg/");
  expect(toGateway("wss://gateway-us-east1-b.discord.gg", theirs)).toBeDefined();
  for (const text of [
    "ws://gateway.discord.gg",
    "wss://gateway.discord.gg.evil.test",
    "wss://evildiscord.gg",
    "wss://a@gateway.discord.gg",
    "wss://gateway.discord.gg:8443",
    "wss://127.0.0.1",
    "https://gateway.discord.gg",
    "wss://gateway.discord.gg/?x=1",
    7,
    null,
  ])
    expect(toGateway(text, theirs), String(text)).toBeUndefined();
  expect(toGateway("ws://127.0.0.1:9/", "http://127.0.0.1:8/api")).toBe("ws://127.0.0.1:9/");
  expect(toGateway("ws://chat.example/", "http://chat.example/api")).toBeUndefined();
  expect(toGateway("wss://gateway.discord.gg", "https://chat.example/api")).toBeUndefined();
});
