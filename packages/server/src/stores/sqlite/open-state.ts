import { join } from "node:path";
import type { ConsentStore } from "../consent-store.ts";
import { ensureDataFolder } from "../data-folder.ts";
import type { FlowStore } from "../flow-store.ts";
import type { OAuthStore } from "../oauth-store.ts";
import type { RateCounter, SessionStore, TokenStore } from "../store.ts";
import type { TurnCounter } from "../turn-counter.ts";
import { consentSchema, createConsentStore } from "./consent-store.ts";
import { openDatabase, toDatabaseError } from "./database.ts";
import { createFlowStore, flowSchema } from "./flow-store.ts";
import { createOAuthStore, oauthSchema } from "./oauth-store.ts";
import { createRateCounter, rateSchema } from "./rate-counter.ts";
import { createSessionStore, sessionPlaces, sessionSchema } from "./session-store.ts";
import { createTokenStore, tokenSchema } from "./token-store.ts";
import { createTurnCounter, turnSchema } from "./turn-counter.ts";

/** What `state.db` of a data folder keeps. */
export interface State extends Disposable {
  readonly tokens: TokenStore;
  readonly sessions: SessionStore;
  readonly rates: RateCounter;
  readonly turns: TurnCounter;
  readonly oauth: OAuthStore;
  readonly consent: ConsentStore;
  readonly flows: FlowStore;
  close(): void;
}

/** Opens `state.db`, beside any other process that has it open. Throws `DatabaseError` or `DataFolderError`. */
export function openState(folder: string): State {
  ensureDataFolder(folder);
  const path = join(folder, "state.db");
  const migrations = [
    ...[tokenSchema, sessionSchema, rateSchema, turnSchema, oauthSchema, sessionPlaces, consentSchema],
    flowSchema,
  ];
  const db = openDatabase({ path, migrations });
  const close = (): void => {
    if (db.isOpen) db.close();
  };
  const named = <Port extends object>(port: Port): Port => nameErrors(port, path);
  return {
    tokens: named(createTokenStore(db)),
    sessions: named(createSessionStore(db)),
    rates: named(createRateCounter(db)),
    turns: named(createTurnCounter(db)),
    oauth: named(createOAuthStore(db)),
    consent: named(createConsentStore(db)),
    flows: named(createFlowStore(db)),
    close,
    [Symbol.dispose]: close,
  };
}

type Method = (...args: never[]) => Promise<unknown>;

/** The same port, whose rejections say in words what is wrong with the file. */
function nameErrors<Port extends object>(port: Port, path: string): Port {
  const rename = (error: unknown): never => {
    throw toDatabaseError(error, path);
  };
  const entries = Object.entries(port as Record<string, Method>).map(([name, method]) => [
    name,
    (...args: never[]) => method(...args).catch(rename),
  ]);
  return Object.fromEntries(entries) as Port;
}
