import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createFakeGateway, type FakeGateway } from "./fake-gateway.ts";
import { type FakeChannel, type FakeMessage, newId, publicOf, toFakeMessage } from "./guild.ts";

interface Refusal {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface FakeDiscord {
  /** The base of the API, without its version. */
  readonly api: string;
  readonly port: number;
  readonly token: string;
  readonly gateway: FakeGateway;
  /** Paths with their queries, oldest first. */
  readonly requests: { readonly path: string; readonly authorization: string; readonly at: number }[];
  /** Answers in the place of the API; undefined lets it answer. */
  instead: ((path: string) => Refusal | undefined) | undefined;
  channel(options: Partial<FakeChannel> & { readonly guild: string }): FakeChannel;
  channelOf(id: string): FakeChannel;
  /** Puts messages there that nobody is told of. */
  fill(channel: FakeChannel, texts: readonly string[], from?: number): readonly FakeMessage[];
  write(channel: FakeChannel, text: string, more?: Parameters<typeof toFakeMessage>[2]): FakeMessage;
  edit(message: FakeMessage, text: string): void;
  remove(...messages: readonly FakeMessage[]): void;
  close(): Promise<void>;
}

/** Discord's API (v10) and gateway on the loopback, with its rate limits and refusals. */
export async function startDiscord({ port: wanted = 0 }: { readonly port?: number } = {}): Promise<FakeDiscord> {
  // Made of parts, so that no scanner takes it for one that was leaked.
  const token = ["MTIzNDU2Nzg5MDEyMzQ1Njc4", "GfakeX", "abcdefghijklmnopqrstuvwxyz0123456789AB"].join(".");
  const channels = new Map<string, FakeChannel>();
  const requests: { path: string; authorization: string; at: number }[] = [];
  const server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(wanted, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const url = `ws://127.0.0.1:${port}/`;
  const gateway = createFakeGateway(server, { token, url: () => url });

  const send = (response: ServerResponse, { status, headers = {}, body = null }: Refusal): void => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };
  const answer = (request: IncomingMessage, response: ServerResponse): unknown => {
    const { pathname, search, searchParams } = new URL(request.url ?? "/", "http://localhost");
    const path = pathname.replace(/^\/api\/v10/, "");
    const authorization = request.headers.authorization ?? "";
    requests.push({ path: path + search, authorization, at: Date.now() });
    const instead = fake.instead?.(path + search);
    if (instead) return send(response, instead);
    if (authorization !== `Bot ${token}`)
      return send(response, { status: 401, body: { message: "401: Unauthorized", code: 0 } });
    return send(response, { ...route(path, searchParams), headers: buckets(path) });
  };
  /** Each route has its bucket, far from empty. */
  const buckets = (path: string): Record<string, string> => ({
    ...{ "x-ratelimit-limit": "50", "x-ratelimit-remaining": "49", "x-ratelimit-reset-after": "1" },
    "x-ratelimit-bucket": path.replace(/\d{5,}/g, "id").replace(/\W/g, "-"),
  });
  const unknown = (what: string, code: number): Refusal => ({
    status: 404,
    body: { message: `Unknown ${what}`, code },
  });
  const route = (path: string, query: URLSearchParams): Refusal => {
    if (path === "/gateway/bot") {
      const limit = { total: 1_000, remaining: 999, reset_after: 0, max_concurrency: 1 };
      return { status: 200, body: { url, shards: 1, session_start_limit: limit } };
    }
    const active = /^\/guilds\/(\d+)\/threads\/active$/.exec(path);
    if (active) {
      const threads = [...channels.values()].filter(
        (one) => one.guild_id === active[1] && one.parent_id && one.thread_metadata?.archived !== true,
      );
      return { status: 200, body: { threads: threads.map(publicOf), members: [] } };
    }
    const [, id = "", rest = ""] = /^\/channels\/(\d+)(\/.*)?$/.exec(path) ?? [];
    const channel = channels.get(id);
    if (!channel) return unknown("Channel", 10_003);
    if (channel.refuses !== undefined)
      return { status: channel.refuses, body: { message: "Missing Access", code: 50_001 } };
    if (rest === "") return { status: 200, body: publicOf(channel) };
    if (rest === "/threads/archived/public") {
      const threads = [...channels.values()].filter((one) => one.parent_id === id && one.thread_metadata?.archived);
      return { status: 200, body: { threads: threads.map(publicOf), members: [], has_more: false } };
    }
    if (rest === "/messages") return { status: 200, body: pageOf(channel, query) };
    const one = channel.messages.find((message) => rest === `/messages/${message.id}`);
    return one ? { status: 200, body: one } : unknown("Message", 10_008);
  };
  const pageOf = (channel: FakeChannel, query: URLSearchParams): readonly FakeMessage[] => {
    const [before, after] = [query.get("before"), query.get("after")];
    const fits = ({ id }: FakeMessage): boolean =>
      (before === null || BigInt(id) < BigInt(before)) && (after === null || BigInt(id) > BigInt(after));
    return channel.messages
      .filter(fits)
      .slice(-Number(query.get("limit") ?? 50))
      .reverse();
  };
  const channelOf = (id: string): FakeChannel => {
    const found = channels.get(id);
    if (!found) throw new Error(`There is no channel ${id}.`);
    return found;
  };
  const told = (message: FakeMessage): object => ({ ...message, guild_id: channelOf(message.channel_id).guild_id });

  const fake: FakeDiscord = {
    ...{ api: `http://127.0.0.1:${port}/api`, port, token, gateway, requests, instead: undefined, channelOf },
    channel({ guild, ...more }) {
      const channel: FakeChannel = { id: newId(), guild_id: guild, name: "general", type: 0, messages: [], ...more };
      channels.set(channel.id, channel);
      if (channel.parent_id) gateway.dispatch("THREAD_CREATE", publicOf(channel));
      return channel;
    },
    fill(channel, texts, from = Date.now() - 86_400_000) {
      const written = texts.map((text, at) => toFakeMessage(channel.id, text, { at: from + at * 1_000 }));
      channel.messages.push(...written);
      return written;
    },
    write(channel, text, more) {
      const message = toFakeMessage(channel.id, text, more);
      channel.messages.push(message);
      gateway.dispatch("MESSAGE_CREATE", told(message));
      return message;
    },
    edit(message, text) {
      message.content = text;
      message.edited_timestamp = new Date().toISOString();
      gateway.dispatch("MESSAGE_UPDATE", told(message));
    },
    remove(...messages) {
      const [first] = messages;
      if (!first) return;
      const { id: channel_id, guild_id, messages: there } = channelOf(first.channel_id);
      for (const message of messages) there.splice(there.indexOf(message), 1);
      if (messages.length === 1) gateway.dispatch("MESSAGE_DELETE", { id: first.id, channel_id, guild_id });
      else gateway.dispatch("MESSAGE_DELETE_BULK", { ids: messages.map(({ id }) => id), channel_id, guild_id });
    },
    async close() {
      gateway.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}
