import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach } from "vitest";
import type { AuditDraft } from "../../../packages/server/src/audit/record.ts";
import type { ConsentStore } from "../../../packages/server/src/stores/consent-store.ts";
import type { FlowStore } from "../../../packages/server/src/stores/flow-store.ts";
import { createAuditLog } from "../../../packages/server/src/stores/memory/audit-log.ts";
import { createConsentStore } from "../../../packages/server/src/stores/memory/consent-store.ts";
import { createFlowStore } from "../../../packages/server/src/stores/memory/flow-store.ts";
import { createOAuthStore } from "../../../packages/server/src/stores/memory/oauth-store.ts";
import { createRateCounter } from "../../../packages/server/src/stores/memory/rate-counter.ts";
import { createSessionStore } from "../../../packages/server/src/stores/memory/session-store.ts";
import { createTokenStore } from "../../../packages/server/src/stores/memory/token-store.ts";
import { createTurnCounter } from "../../../packages/server/src/stores/memory/turn-counter.ts";
import type { OAuthStore } from "../../../packages/server/src/stores/oauth-store.ts";
import { createConsentStore as createPostgresConsent } from "../../../packages/server/src/stores/postgres/consent-store.ts";
import { openPostgres, type Postgres } from "../../../packages/server/src/stores/postgres/database.ts";
import { createFlowStore as createPostgresFlows } from "../../../packages/server/src/stores/postgres/flow-store.ts";
import { createOAuthStore as createPostgresOAuth } from "../../../packages/server/src/stores/postgres/oauth-store.ts";
import { createSessionStore as createPostgresSessions } from "../../../packages/server/src/stores/postgres/session-store.ts";
import { createTokenStore as createPostgresTokens } from "../../../packages/server/src/stores/postgres/token-store.ts";
import { openRedis, type Redis } from "../../../packages/server/src/stores/redis/driver.ts";
import { createFlowStore as createRedisFlows } from "../../../packages/server/src/stores/redis/flow-store.ts";
import { createRateCounter as createRedisRates } from "../../../packages/server/src/stores/redis/rate-counter.ts";
import { createSessionStore as createRedisSessions } from "../../../packages/server/src/stores/redis/session-store.ts";
import { createTurnCounter as createRedisTurns } from "../../../packages/server/src/stores/redis/turn-counter.ts";
import { openAuditLog } from "../../../packages/server/src/stores/sqlite/audit-log.ts";
import { openState } from "../../../packages/server/src/stores/sqlite/open-state.ts";
import type { AuditLog, RateCounter, SessionStore, TokenStore } from "../../../packages/server/src/stores/store.ts";
import type { TurnCounter } from "../../../packages/server/src/stores/turn-counter.ts";
import { noPostgres, startPostgres } from "../../support/fleet/postgres.ts";
import { noRedis, startRedis } from "../../support/fleet/redis.ts";
import type { EngineServer } from "../../support/fleet/server.ts";

/** What an engine may keep. */
export interface Stores {
  readonly audit: AuditLog;
  readonly tokens: TokenStore;
  readonly sessions: SessionStore;
  readonly oauth: OAuthStore;
  readonly rates: RateCounter;
  readonly turns: TurnCounter;
  readonly consent: ConsentStore;
  readonly flows: FlowStore;
}

type Store<Name extends keyof Stores> = () => Stores[Name] | Promise<Stores[Name]>;

/** One engine, seen through the ports that it has. Each call gives a store that holds nothing. */
type Engine = { readonly engine: string } & { readonly [Name in keyof Stores]?: Store<Name> };

/** The engines that have a store of this name and can be had on this machine, to be given to `describe.each`. */
export const enginesOf = <Name extends keyof Stores>(name: Name) =>
  engines.flatMap((one) => {
    const open = one[name] as Store<Name> | undefined;
    return open === undefined ? [] : [{ engine: one.engine, open }];
  });

const endings: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** Ends something after the present test, the latest first. */
export const atEnd = (end: () => unknown): void => void endings.push(end);

/** A folder of the present test. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-stores-"));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const open = () => {
  const state = openState(makeFolder());
  atEnd(() => state.close());
  return state;
};

/** An engine that cannot be started here is left out, and that is printed. */
function unless(engine: string, missing: string | undefined, stores: Omit<Engine, "engine">): readonly Engine[] {
  if (missing === undefined) return [{ engine, ...stores }];
  console.log(`The stores on ${engine} are not tried: ${missing}.`);
  return [];
}

let servers: Promise<EngineServer>[] = [];
const once = (start: () => Promise<EngineServer>) => {
  let started: Promise<EngineServer> | undefined;
  return () => {
    if (started) return started;
    started = start();
    servers.push(started);
    return started;
  };
};
const redisServer = once(startRedis);
const postgresServer = once(startPostgres);

afterAll(async () => {
  const all = servers;
  servers = [];
  for (const server of all) await (await server).stop();
});

let spaces = 0;

/** A connection of its own to a space that holds nothing. */
export async function redis(namespace = `space${++spaces}`): Promise<Redis> {
  const opened = await openRedis({ url: (await redisServer()).url, namespace });
  atEnd(() => opened.close());
  return opened;
}

export async function postgres(schema = `space${++spaces}`): Promise<Postgres> {
  const opened = await openPostgres({ url: (await postgresServer()).url, schema });
  atEnd(() => opened.close());
  return opened;
}

const engines: readonly Engine[] = [
  {
    engine: "memory",
    audit: createAuditLog,
    tokens: createTokenStore,
    sessions: createSessionStore,
    oauth: createOAuthStore,
    rates: createRateCounter,
    turns: createTurnCounter,
    consent: createConsentStore,
    flows: createFlowStore,
  },
  {
    engine: "sqlite",
    audit() {
      const log = openAuditLog(makeFolder());
      atEnd(() => log.close());
      return log;
    },
    tokens: () => open().tokens,
    sessions: () => open().sessions,
    rates: () => open().rates,
    turns: () => open().turns,
    consent: () => open().consent,
    oauth: () => open().oauth,
    flows: () => open().flows,
  },
  ...unless("redis", noRedis(), {
    sessions: async () => createRedisSessions(await redis()),
    rates: async () => createRedisRates(await redis(), { clock: "caller" }),
    turns: async () => createRedisTurns(await redis(), { clock: "caller" }),
    flows: async () => createRedisFlows(await redis()),
  }),
  ...unless("postgres", noPostgres(), {
    tokens: async () => createPostgresTokens(await postgres()),
    sessions: async () => createPostgresSessions(await postgres()),
    oauth: async () => createPostgresOAuth(await postgres()),
    consent: async () => createPostgresConsent(await postgres()),
    flows: async () => createPostgresFlows(await postgres()),
  }),
];

/** A call's record of the usual size. */
export const toDraft = (id: string, more: Partial<AuditDraft> = {}): AuditDraft => ({
  kind: "call",
  id,
  at: "2026-11-23T10:00:00.000Z",
  boot: "boot",
  subject: "duck@home",
  door: "websocket",
  tool: "fs.readFile",
  resources: ["file:///home/duck/notes/todo.md"],
  args: { path: "~/notes/todo.md", note: "größer 🦆 \uFFFD" },
  purpose: { text: "summarize-todo", stated: true },
  decision: "allow",
  outcome: "ok",
  ...more,
});
