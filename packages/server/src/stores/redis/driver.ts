import { hash } from "node:crypto";
import { createBreaker, type Engine, EngineFault } from "../engine.ts";

/** The part of the `@redis/client` package that is used; it is an optional peer, installed by who configures this engine. */
interface RedisClient {
  connect(): Promise<unknown>;
  destroy(): void;
  on(event: "error", heard: (error: Error) => void): unknown;
  sendCommand(args: readonly string[]): Promise<unknown>;
}

/** A script with the hash that Redis knows it by. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

export const toScript = (text: string): Script => ({ text, sha: hash("sha1", text, "hex") });

export type Ask = (...args: readonly string[]) => Promise<unknown>;

export interface Redis extends Engine {
  /** Leads every key of ours. The braces keep them in one slot. */
  key(...parts: readonly string[]): string;
  command(...args: readonly string[]): Promise<unknown>;
  /** Runs a script in one step, alone. */
  run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>;
  /** Calls back now if it answers, and whenever it answers again, before anybody else may ask it anything. */
  onReturn(heard: (ask: Ask) => Promise<void>): Promise<void>;
}

export interface RedisOptions {
  /** `redis://` or `rediss://`, with what it takes to log in. */
  readonly url: string;
  /** Tells one fleet's keys from another's. */
  readonly namespace?: string;
  readonly load?: () => Promise<unknown>;
}

// Not a literal: the compiler must not look for a package that need not be there.
const driver: string = "@redis/client";
const connectMs = 600;
const mostWaiting = 20_000;

/** Errors that an engine answers with when it is there and cannot serve: it loads, is a replica, or has run out of memory. */
const unserving = /^(LOADING|READONLY|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|OOM|MISCONF|NOREPLICAS|BUSY)\b/;

/** Opens Redis or Valkey; one that does not answer is away, and comes back by itself. Throws `EngineFault` when its driver is not there. */
export async function openRedis({ url, namespace = "portcullis", load }: RedisOptions): Promise<Redis> {
  const { createClient, ErrorReply } = await loadDriver(load ?? (() => import(driver)));
  const name = `Redis at ${new URL(url).host}`;
  const client = createClient({
    url,
    disableOfflineQueue: true,
    commandsQueueMaxLength: mostWaiting,
    socket: { connectTimeout: connectMs, reconnectStrategy: (tries: number) => Math.min(50 * 2 ** tries, 500) },
  });
  let said: Error | undefined;
  client.on("error", (error) => {
    said = error;
  });
  // It ends once it is connected; what it waits for meanwhile is told above.
  client.connect().catch((error: Error) => {
    said = error;
  });

  const raw: Ask = (...args) => client.sendCommand(args);
  const heard = new Set<(ask: Ask) => Promise<void>>();
  const breaker = createBreaker({
    name,
    async probe() {
      try {
        await raw("PING");
        said = undefined;
      } catch (error) {
        throw said ?? error;
      }
    },
    async returning() {
      for (const tell of heard) await tell(raw);
    },
    isAway: (error) => !(error instanceof ErrorReply) || unserving.test((error as Error).message),
  });
  await breaker.start(connectMs);

  return {
    name,
    key: (...parts) => `{${namespace}}:${parts.join(":")}`,
    fault: breaker.fault,
    command: (...args) => breaker.ask(() => raw(...args)),
    run: (script, keys, args) =>
      breaker.ask(() => runScript(raw, script, [String(keys.length), ...keys, ...args.map(String)])),
    async onReturn(tell) {
      heard.add(tell);
      if (breaker.fault() === undefined) await breaker.ask(() => tell(raw));
    },
    async close() {
      breaker.stop();
      client.destroy();
    },
  };
}

async function runScript(ask: Ask, { text, sha }: Script, rest: readonly string[]): Promise<unknown> {
  try {
    return await ask("EVALSHA", sha, ...rest);
  } catch (error) {
    if (!(error as Error).message.startsWith("NOSCRIPT")) throw error;
    return ask("EVAL", text, ...rest);
  }
}

interface Driver {
  createClient(options: object): RedisClient;
  /** What Redis says of a command that it would not run. */
  readonly ErrorReply: new (
    message: string,
  ) => Error;
}

async function loadDriver(load: () => Promise<unknown>): Promise<Driver> {
  try {
    return (await load()) as Driver;
  } catch (cause) {
    throw new EngineFault(
      "Redis is configured but its driver is not installed.",
      "npm install @redis/client@6.3.1",
      cause,
    );
  }
}
