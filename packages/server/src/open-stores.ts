import type { Environment } from "./config/read-settings.ts";
import type { Settings } from "./config/settings.ts";
import type { KnownSecret } from "./redaction/known-secrets.ts";
import type { FleetKeys } from "./shared/fleet-keys.ts";
import { createPolicyFolder } from "./stores/files/policy-store.ts";
import { createRateCounter } from "./stores/memory/rate-counter.ts";
import { createTurnCounter } from "./stores/memory/turn-counter.ts";
import { openAuditLog } from "./stores/sqlite/audit-log.ts";
import { openState, type State } from "./stores/sqlite/open-state.ts";
import type { AuditLog, PolicyStore, RateCounter } from "./stores/store.ts";
import type { TurnCounter } from "./stores/turn-counter.ts";

/** Everything that is kept, by whoever keeps it. */
export interface Stores {
  readonly state: State;
  readonly rates: RateCounter;
  readonly turns: TurnCounter;
  readonly policies: PolicyStore;
  readonly audit: AuditLog;
  /** What the replicas of a fleet have together; undefined for a server by itself. */
  readonly keys?: FleetKeys;
  readonly secrets: readonly KnownSecret[];
  /** Whether other replicas' sessions are among ours. */
  readonly sharesSessions: boolean;
  /** Why no policy may be asked now. */
  refusal(): string | undefined;
  /** What is not well, though calls are taken. */
  warnings(): readonly string[];
  /** Why no call can be taken. */
  faults(): readonly string[];
  /** The concerns whose engine is away. */
  degraded(): readonly string[];
  close(): Promise<void>;
}

export interface OpenStoresOptions {
  /** The data folder, which exists. */
  readonly data: string;
  readonly settings: Pick<Settings, "stores" | "audit">;
  readonly env: Environment;
  /** The folder of the policy files. */
  readonly policies: string;
  /** Names this life of the process. */
  readonly boot: string;
  /** Takes each new checkpoint of the audit. */
  readonly checkpoint: (note: string, size: number) => void;
  readonly fault: (message: string, error: unknown) => void;
  /** Whether calls are served: then policies that are shared begin as those of the folder, where there never were any. */
  readonly serves?: boolean;
}

/** Whether anything is kept elsewhere than in the data folder. */
export const isFleet = ({ stores }: Pick<Settings, "stores">): boolean =>
  [stores.identity, stores.sessions, stores.consent, stores.policy, stores.audit, stores.limits, stores.flows].some(
    (url) => url !== "",
  );

/** Opens what is kept. Nothing of any engine is loaded before it is configured. */
export async function openStores(options: OpenStoresOptions): Promise<Stores> {
  if (!isFleet(options.settings)) return openOwn(options);
  const { openShared } = await import("./shared/open-shared.ts");
  return openShared(options);
}

function openOwn({ data, settings, policies, boot, checkpoint }: OpenStoresOptions): Stores {
  const state = openState(data);
  const audit = openAuditLog(data, { durability: settings.audit.durability, boot, checkpoint });
  return {
    state,
    rates: createRateCounter(),
    turns: createTurnCounter(),
    policies: createPolicyFolder(policies),
    audit,
    secrets: [],
    sharesSessions: false,
    refusal: () => undefined,
    warnings: () => [],
    faults: () => [],
    degraded: () => [],
    async close() {
      await audit.close();
      state.close();
    },
  };
}
