import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { openCheckpoint } from "../audit/checkpoint.ts";
import { type AuditKeys, openAuditKeys, verifierOf } from "../audit/keys.ts";
import { formatVerifierKey } from "../audit/signed-note.ts";
import type { OpenStoresOptions, Stores } from "../open-stores.ts";
import type { AuditChain } from "../stores/audit-share.ts";
import { createPolicyFolder } from "../stores/files/policy-store.ts";
import { createRateCounter } from "../stores/memory/rate-counter.ts";
import { createTurnCounter } from "../stores/memory/turn-counter.ts";
import { createAuditShare } from "../stores/postgres/audit-share.ts";
import { createPolicyStore } from "../stores/postgres/policy-store.ts";
import { createRateCounter as createRedisRates } from "../stores/redis/rate-counter.ts";
import { createTurnCounter as createRedisTurns } from "../stores/redis/turn-counter.ts";
import { checkpointFile } from "../stores/sqlite/audit-checkpoints.ts";
import { openAuditLog } from "../stores/sqlite/audit-log.ts";
import { createAuditSync } from "../stores/sqlite/audit-sync.ts";
import type { AuditLog, PolicySource } from "../stores/store.ts";
import { type Engines, openEngines } from "./engines.ts";
import { createFleetKeys } from "./fleet-keys.ts";
import { createSharedFlows } from "./flows.ts";
import { createSharedRates, createSharedTurns } from "./limits.ts";
import { openKept } from "./open-kept.ts";
import { createSharedPolicy, type SharedPolicy } from "./policy-cache.ts";
import { createSharedAudit, type Note, type SharedAudit } from "./shared-audit.ts";

/** What is kept by engines that all replicas share, and the rest in the data folder. */
export async function openShared(options: OpenStoresOptions): Promise<Stores> {
  const { data, settings, env, policies: folder, fault } = options;
  const engines = await openEngines(settings, env);
  try {
    const state = await openKept(data, engines);
    const policies = await openPolicies(options, engines);
    const { audit, shared } = openAudit(options, engines);
    const limits = engines.of("limits");
    const share = { replicas: settings.stores.replicas };
    const watch = watchEngines(engines, fault);
    return {
      state: engines.of("flows") ? { ...state, flows: createSharedFlows(state.flows, Date.now) } : state,
      rates:
        limits?.kind === "redis"
          ? createSharedRates(createRedisRates(limits), createRateCounter(), share)
          : createRateCounter(),
      turns:
        limits?.kind === "redis"
          ? createSharedTurns(createRedisTurns(limits), createTurnCounter(), share)
          : createTurnCounter(),
      policies: policies ?? createPolicyFolder(folder),
      audit,
      ...(engines.key !== undefined && { keys: createFleetKeys(engines.key) }),
      secrets: engines.secrets,
      sharesSessions: engines.of("sessions") !== undefined,
      refusal: () => policies?.refusal(),
      warnings: () => [
        ...engines.faults().map(({ says }) => says),
        ...[policies?.warning(), shared?.warning()].filter((warning) => warning !== undefined),
      ],
      faults: () => toFaults(engines, policies),
      degraded: () => engines.faults().flatMap(({ concerns }) => concerns),
      async close() {
        clearInterval(watch);
        await audit.close();
        state.close();
        await engines.close();
      },
    };
  } catch (error) {
    await engines.close();
    throw error;
  }
}

/** What nothing can be done without. */
function toFaults(engines: Engines, policies: SharedPolicy | undefined): readonly string[] {
  const needed = engines
    .faults()
    .filter(({ concerns }) => concerns.some((one) => one === "identity" || one === "consent"));
  const refusal = policies?.refusal();
  return [
    ...needed.map(({ says }) => `${says} Nobody's token and no consent can be looked up.`),
    ...(refusal === undefined ? [] : [refusal]),
  ];
}

async function openPolicies({ data, settings, policies, serves }: OpenStoresOptions, engines: Engines) {
  const engine = engines.of("policy");
  if (engine?.kind !== "postgres") return undefined;
  const store = createPolicyStore(engine);
  if (serves && engine.fault() === undefined) await store.seed(toPublished(await createPolicyFolder(policies).read()));
  return createSharedPolicy({
    store,
    path: join(data, "policy-cache.json"),
    maxAgeMs: settings.stores.policyMaxAgeSeconds * 1_000,
    now: Date.now,
  });
}

/** Where a set came from is no matter of the replicas'. */
export const toPublished = (sources: readonly PolicySource[]): readonly PolicySource[] =>
  sources.map(({ path, text }) => ({ path: basename(path), text }));

function openAudit(options: OpenStoresOptions, engines: Engines): { audit: AuditLog; shared?: SharedAudit } {
  const { data, settings, boot, checkpoint, fault } = options;
  const { durability } = settings.audit;
  const engine = engines.of("audit");
  if (engine?.kind !== "postgres") return { audit: openAuditLog(data, { durability, boot, checkpoint }) };
  let shared: SharedAudit | undefined;
  const local = openAuditLog(data, {
    ...{ durability, boot },
    checkpoint(note, size) {
      checkpoint(note, size);
      shared?.checkpoint({ note, size });
    },
  });
  shared = createSharedAudit({
    local,
    share: createAuditShare(engine, { durability }),
    chain: () => toChain(openAuditKeys(data)),
    whenAway: settings.stores.auditAway,
    sync: durability === "power" ? async () => {} : createAuditSync(data),
    newest: () => readNewest(data),
    fault,
  });
  return { audit: shared, shared };
}

const toChain = (keys: AuditKeys): AuditChain => ({
  origin: keys.origin,
  keys: [formatVerifierKey(verifierOf(keys)), ...keys.retired.toReversed()],
  name: hostname(),
});

function readNewest(data: string): Note | undefined {
  try {
    const note = readFileSync(join(data, checkpointFile), "utf8");
    const size = openCheckpoint(note, [])?.size;
    return size === undefined ? undefined : { note, size };
  } catch {
    // A log that is younger than its first checkpoint has none.
    return undefined;
  }
}

const lookMs = 250;

/** Tells once of each engine that goes away, and once of its return. */
function watchEngines(engines: Engines, fault: (message: string, error: unknown) => void): NodeJS.Timeout {
  let told = new Set<string>();
  const look = (): void => {
    const away = new Set(engines.faults().map(({ concerns }) => concerns.join(", ")));
    for (const { why, concerns } of engines.faults())
      if (!told.has(concerns.join(", "))) fault(`${why} It keeps ${concerns.join(", ")}.`, undefined);
    for (const one of told) if (!away.has(one)) fault(`What keeps ${one} answers again.`, undefined);
    told = away;
  };
  look();
  return setInterval(look, lookMs).unref();
}
