import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type FakeDiscord, startDiscord } from "../../../../test/support/discord/discord-server.ts";
import { type FakeChannel, newId } from "../../../../test/support/discord/guild.ts";
import { createDiscordLink, type DiscordLink } from "./discord-link.ts";
import type { MessageChange } from "./link-messages.ts";
import type { ListedChannel } from "./settings.ts";

const guild = newId();
let discord: FakeDiscord;
let folder: string;
let links: DiscordLink[];
let general: FakeChannel;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "portcullis-discord-"));
  discord = await startDiscord();
  links = [];
  general = discord.channel({ guild });
});
afterEach(async () => {
  for (const link of links) await link.stop();
  await discord.close();
  rmSync(folder, { recursive: true, force: true });
});

const path = (): string => join(folder, "discord.db");
const faults: string[] = [];

function open(
  listed: Partial<ListedChannel> = {},
  more: { readonly token?: string; readonly api?: string } = {},
): DiscordLink {
  const link = createDiscordLink({
    ...{ path: path(), token: discord.token, api: discord.api, privateHosts: [], againMs: 200, ...more },
    channels: [{ guild, channel: general.id, messages: 1_000, days: 0, ...listed }],
    fault: (message, cause) => faults.push(`${message} ${cause}`),
  });
  links.push(link);
  link.start();
  return link;
}

const soon = { timeout: 20_000, interval: 50 };
const live = (link: DiscordLink): Promise<void> =>
  vi.waitFor(() => expect(link.status()).toMatchObject({ state: "live" }), soon);
const texts = (link: DiscordLink, words: readonly string[] = []): readonly string[] =>
  link
    .store()
    .search({ words, limit: 1_000 })
    .map(({ text }) => text);
const holds = (link: DiscordLink, expected: readonly string[]): Promise<void> =>
  vi.waitFor(() => expect(texts(link)).toEqual(expected), soon);

function listen(link: DiscordLink): { readonly changes: MessageChange[]; lost: number } {
  const heard = { changes: [] as MessageChange[], lost: 0 };
  link.follow(
    { changed: (change) => heard.changes.push(change), lost: () => heard.lost++ },
    new AbortController().signal,
  );
  return heard;
}

test("channels and threads are read back newest first, and what happens is followed", async () => {
  discord.fill(general, ["one heron", "two herons"]);
  const thread = discord.channel({ guild, parent_id: general.id, name: "birds", type: 11 });
  discord.fill(thread, ["in the thread"], Date.now() - 3_600_000);
  const other = discord.channel({ guild });
  discord.fill(other, ["not listed"]);
  const link = open();
  const heard = listen(link);
  await holds(link, ["in the thread", "two herons", "one heron"]);
  expect(link.store().search({ words: ["thread"], limit: 5 })).toMatchObject([
    { guild, channel: general.id, thread: thread.id, author: "Ada" },
  ]);
  await live(link);
  for (const { id } of [general, thread])
    await vi.waitFor(() => expect(link.store().mark(id).ended).toBe("whole"), soon);

  const written = discord.write(general, "a kingfisher");
  discord.write(other, "nor this");
  discord.edit(written, "two kingfishers");
  await holds(link, ["two kingfishers", "in the thread", "two herons", "one heron"]);
  discord.remove(written);
  await holds(link, ["in the thread", "two herons", "one heron"]);
  // What is kept is there before it is told: they come from another thread.
  await vi.waitFor(
    () =>
      expect(heard.changes.map(({ kind, message }) => [kind, message.text])).toEqual([
        ["created", "a kingfisher"],
        ["edited", "two kingfishers"],
        ["deleted", "two kingfishers"],
      ]),
    soon,
  );
  await link.stop();
  // What was deleted is in no file any more, the log of the database included.
  for (const end of ["", "-wal"]) {
    const bytes = (() => {
      try {
        return readFileSync(path() + end, "latin1");
      } catch {
        return "";
      }
    })();
    expect(bytes).not.toContain("kingfisher");
  }
});

test("a token that is not taken ends it with what to do, and nothing is tried again", async () => {
  const link = open({}, { token: "another-token" });
  await vi.waitFor(() => expect(link.status()).toMatchObject({ state: "refused" }), soon);
  expect(link.fault()).toMatch(/does not take the bot's token/);
  const asked = discord.requests.length;
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  expect(discord.requests.length).toBe(asked);
  expect(() => link.store().find("1")).not.toThrow();
});
