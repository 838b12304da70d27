import { afterAll, beforeAll, expect, test } from "vitest";
import { type FakeDiscord, startDiscord } from "../support/discord/discord-server.ts";
import { type FakeChannel, type FakeMessage, newId } from "../support/discord/guild.ts";
import { enter } from "../support/doors.ts";
import { type Follower, followTopic, soon } from "../support/follower.ts";
import { eventually } from "../support/guests.ts";
import { verifies } from "../support/verifies.ts";
import { openWorld, type World } from "../support/world.ts";

const guild = newId();
let discord: FakeDiscord;
let world: World;
let open: FakeChannel;
let closed: FakeChannel;
let thread: FakeChannel;
let heron: FakeMessage;
let hidden: FakeMessage;
let old: FakeMessage;

const readers = (channel: string): string => `
subject: reader
purpose: optional
scopes:
  - { tool: "discord.*", allow: ["discord://${guild}/${channel}/**"] }
  - { tool: [search, fetch], allow: ["discord://${guild}/${channel}/**"] }
`;

beforeAll(async () => {
  discord = await startDiscord();
  open = discord.channel({ guild, name: "open" });
  closed = discord.channel({ guild, name: "closed" });
  thread = discord.channel({ guild, name: "nests", type: 11, parent_id: open.id });
  [old, , , heron] = discord.fill(open, ["long ago", "one", "two", "a heron <@1> ‮ **bold**"]) as [
    FakeMessage,
    FakeMessage,
    FakeMessage,
    FakeMessage,
  ];
  [hidden] = discord.fill(closed, ["a hidden heron"]) as [FakeMessage];
  discord.fill(thread, ["a heron in the thread"], Date.now() - 3_600_000);
  world = await openWorld({
    policies: { "reader.yaml": readers(open.id), "leaver.yaml": readers(open.id).replace("reader", "leaver") },
    settings: `
discord:
  api: ${discord.api}
  tokenVariable: BOT
  channels:
    - { guild: "${guild}", channel: "${open.id}", messages: 3 }
    - { guild: "${guild}", channel: "${closed.id}" }
`,
    env: { BOT: discord.token },
  });
  await eventually(soon, async () => expect((await world.run("doctor")).stdout).toContain("5 messages kept of 2"));
});
afterAll(async () => {
  await world?.close();
  await discord?.close();
});

verifies("D4.search", async (door) => {
  const guest = await enter(door, world, { token: await world.token("reader"), subject: "reader" });
  try {
    const found = await guest.call("discord.search", { query: "heron" });
    expect(found.result?.messages).toMatchObject([
      { uri: `discord://${guild}/${open.id}/${thread.id}/${thread.messages[0]?.id}`, threadName: "nests" },
      {
        id: heron.id,
        uri: `discord://${guild}/${open.id}/${heron.id}`,
        url: `https://discord.com/channels/${guild}/${open.id}/${heron.id}`,
        text: "a heron <@1> ‮ **bold**",
        author: { name: "Ada" },
      },
    ]);
    expect(JSON.stringify(found)).not.toContain("hidden");
    const { result } = await guest.call("discord.fetchMessage", { id: heron.id });
    expect(result).toMatchObject({ id: heron.id, channelName: "open" });
    for (const id of [hidden.id, newId()]) {
      expect(await guest.call("discord.fetchMessage", { id })).toMatchObject({ ok: false, code: "NOT_FOUND" });
    }
    expect(await guest.call("discord.search", { channel: closed.id })).toMatchObject({ code: "PERMISSION_DENIED" });
  } finally {
    await guest.close();
  }
});

test("one that lies before the bound is fetched from Discord by its link, and search and fetch find what is kept", async () => {
  const guest = await enter("http", world, { token: await world.token("reader"), subject: "reader" });
  expect(await guest.call("discord.fetchMessage", { id: old.id })).toMatchObject({ code: "NOT_FOUND" });
  const link = `https://discord.com/channels/${guild}/${open.id}/${old.id}`;
  expect(await guest.call("discord.fetchMessage", { id: link })).toMatchObject({
    ok: true,
    result: { text: "long ago" },
  });
  const { result } = await guest.call("search", { query: "heron" });
  expect(result.results.map(({ url }: { url: string }) => url)).toContain(
    `https://discord.com/channels/${guild}/${open.id}/${heron.id}`,
  );
  expect(JSON.stringify(result)).not.toContain("hidden");
  const [{ id }] = result.results;
  expect(await guest.call("fetch", { id })).toMatchObject({
    ok: true,
    result: { text: expect.stringContaining("heron") },
  });
  expect(await guest.call("fetch", { id: `discord/${guild}/${open.id}/${hidden.id}` })).toMatchObject({
    code: "NOT_FOUND",
  });
  const tokens = await guest.call("discord.search", { query: "nothing of this" });
  expect(tokens.result).toEqual({ messages: [] });
  const records = await world.audit();
  expect(JSON.stringify(records)).toContain(`discord://${guild}/${open.id}/${old.id}`);
  expect(JSON.stringify(records)).not.toContain(discord.token);
  await guest.close();
});

verifies("E1.discord", async (door) => {
  const token = await world.token("leaver");
  const begin = () => followTopic(world, door, { token, topic: "discord.stream", params: { channel: open.id } });
  const follower = await begin();
  const told = ({ events }: Follower) =>
    events.map(({ data }) => data as unknown as { kind: string; message: { text: string } });
  discord.write(closed, `hidden ${door}`);
  const written = discord.write(open, `a kingfisher ${door}, ${discord.token}`);
  await eventually(soon, () => expect(told(follower)).toHaveLength(1));
  expect(told(follower)[0]).toMatchObject({ kind: "created", message: { id: written.id, author: { name: "Ada" } } });
  expect(JSON.stringify(told(follower))).not.toContain(discord.token);
  discord.edit(written, "an owl");
  await eventually(soon, () =>
    expect(told(follower)[1]).toMatchObject({ kind: "edited", message: { text: "an owl" } }),
  );
  discord.remove(written);
  await eventually(soon, () => expect(told(follower)[2]).toMatchObject({ kind: "deleted", message: { text: "" } }));

  world.policy("leaver.yaml", readers(closed.id).replace("reader", "leaver"));
  await eventually(soon, () => expect(follower.ended[0]?.code).toBe("PERMISSION_DENIED"));
  world.policy("leaver.yaml", readers(open.id).replace("reader", "leaver"));
  await follower.leave();
  // The next one begins with what it may.
  await eventually(soon, async () => (await begin()).leave());
});

test("a Discord that refuses the bot degrades its own tools alone, and doctor says what to do", async () => {
  expect((await world.run("doctor")).stdout).toMatch(/✓ +discord +Connected, \d+ messages kept of 2 channels/);
  discord.gateway.how.refuses = 4014;
  discord.gateway.forget();
  discord.gateway.drop();
  await eventually(soon, async () => {
    const { stdout, status } = await world.run("doctor");
    expect(stdout).toMatch(/✗ +discord .*Message Content Intent/);
    expect(status).not.toBe(0);
  });
  const guest = await enter("http", world, { token: await world.token("reader"), subject: "reader" });
  const { result, why } = await guest.call("discord.search", { query: "heron" });
  expect(result.messages).toHaveLength(2);
  expect(JSON.stringify(why)).toContain("Message Content Intent");
  await guest.close();
  const owner = await enter("http", world, { token: world.ownerToken, subject: "owner" });
  expect(await owner.call("fs.readFile", { path: "todo.md" })).toMatchObject({ ok: true });
  await owner.close();
});
