import type { REST } from "discord.js";
import { isHere } from "./rest.ts";

/** What the gateway tells. */
export interface GatewayEvents {
  dispatch(type: string, data: unknown): void;
  /** A session has begun anew: what happened before it was not told. */
  began(): void;
  resumed(): void;
  closed(code: number): void;
  /** The gateway will not have this bot; trying again is no use. */
  refused(message: string): void;
}

export interface GatewayOptions {
  readonly discord: typeof import("discord.js");
  readonly rest: REST;
  readonly token: string;
  readonly api: string;
  /** The least time between two connections, and the most, in ms. */
  readonly backoff?: { readonly from: number; readonly to: number };
}

interface Session {
  readonly resumeURL: string;
  readonly sessionId: string;
  readonly sequence: number;
  readonly shardId: number;
  readonly shardCount: number;
}

/** Channels and threads; messages; and what is in them, which has to be switched on in Discord's developer portal. */
const intents = 1 | (1 << 9) | (1 << 15);

const fatal: Readonly<Record<number, string>> = {
  4004: "Discord does not take the bot's token. Make a new one in the developer portal, and put it where discord.tokenFile or discord.tokenVariable says.",
  4010: "Discord refuses the shard. Please report this.",
  4011: "The bot is in too many guilds for one connection.",
  4012: "Discord does not speak this version of its API any more: install a newer Portcullis.",
  4013: "Discord refuses the intents. Please report this.",
  4014: "The bot may not read messages: switch on the Message Content Intent under Bot in Discord's developer portal, and start again.",
};

/**
 * One connection to the gateway, by discord.js: hello, heartbeats, identify, resume. Where it may lead is judged here, for discord.js dials the address that
 * it is given: the gateway of the API's own host, or Discord's own. Nothing that a listener throws goes on into discord.js.
 */
export async function openGateway(options: GatewayOptions, events: GatewayEvents): Promise<void> {
  const { discord, rest, token, api, backoff = { from: 1_000, to: 60_000 } } = options;
  const information = (await rest.get("/gateway/bot")) as {
    url: string;
    session_start_limit: { max_concurrency: number };
  };
  const gateway = toGateway(information.url, api);
  if (gateway === undefined)
    throw new Error(`The API names a gateway at another host: ${String(information.url).slice(0, 200)}`);
  let session: Session | null = null;
  let away = false;
  let waitMs = backoff.from;

  /** Asked before each connection: there the next attempt waits its time. */
  const retrieve = async (): Promise<Session | null> => {
    if (away) {
      const ms = waitMs * (0.5 + Math.random() / 2);
      waitMs = Math.min(waitMs * 2, backoff.to);
      await new Promise((resolve) => setTimeout(resolve, ms));
    }
    return session;
  };
  const settings = {
    ...{ token, intents, rest, shardCount: 1, shardIds: [0], version: "10", encoding: "json", compression: null },
    ...{
      largeThreshold: 50,
      initialPresence: null,
      handshakeTimeout: 10_000,
      helloTimeout: 15_000,
      readyTimeout: 15_000,
    },
    identifyProperties: { browser: "portcullis", device: "portcullis", os: "" },
    buildIdentifyThrottler: () => new discord.SimpleIdentifyThrottler(1),
    buildStrategy: () => strategy,
    retrieveSessionInfo: retrieve,
    updateSessionInfo: (_shard: number, info: Session | null) => {
      session = info && { ...info, resumeURL: toGateway(info.resumeURL, api) ?? gateway };
    },
  };
  const hear = (event: string, told: { data?: { t?: unknown; d?: unknown }; code?: number }): void => {
    if (event === "hello") away = false;
    if (event === "ready") events.began();
    if (event === "resumed") events.resumed();
    if (event === "ready" || event === "resumed") waitMs = backoff.from;
    if (event === "dispatch" && typeof told.data?.t === "string") events.dispatch(told.data.t, told.data.d);
    if (event === "closed" && told.code !== undefined) {
      away = true;
      const message = fatal[told.code];
      if (message === undefined) events.closed(told.code);
      else events.refused(message);
    }
  };
  const manager = {
    options: settings,
    fetchGatewayInformation: async () => ({ ...information, url: gateway }),
    getShardCount: async () => 1,
    emit: (event: string, told: object) => hear(event, told),
  };
  const strategy = new discord.SimpleShardingStrategy(manager as never);
  await strategy.spawn([0]);
  // It is settled by the first session alone; how it goes is told by events.
  strategy.connect().catch(() => {});
}

/** A gateway's address in its one form; undefined for one that this API has no business with. */
export function toGateway(text: unknown, api: string): string | undefined {
  if (typeof text !== "string" || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const home = new URL(api);
  if (url.username + url.password + url.search + url.hash !== "") return undefined;
  const own = url.hostname === home.hostname;
  if (url.protocol === "ws:") return own && home.protocol === "http:" && isHere(url) ? url.href : undefined;
  if (url.protocol !== "wss:") return undefined;
  const theirs = home.hostname === "discord.com" && /(?:^|\.)discord\.gg$/.test(url.hostname) && url.port === "";
  return own || theirs ? url.href : undefined;
}
