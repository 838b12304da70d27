import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import type { AuditDraft } from "../../../packages/server/src/audit/record.ts";
import type { ConsentStore } from "../../../packages/server/src/stores/consent-store.ts";
import type { FlowStore } from "../../../packages/server/src/stores/flow-store.ts";
import { createAuditLog } from "../../../packages/server/src/stores/memory/audit-log.ts";
import { createConsentStore } from "../../../packages/server/src/stores/memory/consent-store.ts";
import { createFlowStore } from "../../../packages/server/src/stores/memory/flow-store.ts";
import { createRateCounter } from "../../../packages/server/src/stores/memory/rate-counter.ts";
import { createSessionStore } from "../../../packages/server/src/stores/memory/session-store.ts";
import { createTokenStore } from "../../../packages/server/src/stores/memory/token-store.ts";
import { createTurnCounter } from "../../../packages/server/src/stores/memory/turn-counter.ts";
import { openAuditLog } from "../../../packages/server/src/stores/sqlite/audit-log.ts";
import { openState } from "../../../packages/server/src/stores/sqlite/open-state.ts";
import type { AuditLog, RateCounter, SessionStore, TokenStore } from "../../../packages/server/src/stores/store.ts";
import type { TurnCounter } from "../../../packages/server/src/stores/turn-counter.ts";

/** One engine, seen through the ports alone. Each call gives a store that holds nothing. */
export interface Engine {
  readonly engine: string;
  audit(): AuditLog;
  tokens(): TokenStore;
  sessions(): SessionStore;
  rates(): RateCounter;
  turns(): TurnCounter;
  consent(): ConsentStore;
  flows(): FlowStore;
}

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

export const engines: readonly Engine[] = [
  {
    engine: "memory",
    audit: createAuditLog,
    tokens: createTokenStore,
    sessions: createSessionStore,
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
    flows: () => open().flows,
  },
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
