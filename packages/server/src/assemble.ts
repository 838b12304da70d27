import { join } from "node:path";
import { CallError } from "@portcullis/contracts";
import { ulid } from "ulid";
import type { Adapter, ServedFolder } from "./adapters/adapter.ts";
import { createPromptsAdapter } from "./adapters/prompts/prompts-adapter.ts";
import { createConceal } from "./audit/conceal.ts";
import { createDigest, openAuditKeys } from "./audit/keys.ts";
import { environment } from "./config/environment.ts";
import { readModels, readSources } from "./config/read-sources.ts";
import { readSecrets, watchSecrets } from "./config/secret-sources.ts";
import type { Settings } from "./config/settings.ts";
import { createConsent } from "./consent/consent.ts";
import { createTrail } from "./consent/trail.ts";
import { createAdapters } from "./create-adapters.ts";
import type { Apis } from "./create-apis.ts";
import { createSampling } from "./create-sampling.ts";
import { createUpstreams } from "./create-upstreams.ts";
import { createDiscordLink } from "./discord/discord-link.ts";
import { createConsentTopic, createDecisions } from "./events/consent-topic.ts";
import { createListsTopic, createPolicyTopic, createPromptsTopic } from "./events/list-topics.ts";
import { createResourceTopic } from "./events/resource-topic.ts";
import { createRoots } from "./files/roots.ts";
import { createLogins, type Logins } from "./identity/oauth/create-logins.ts";
import { createPairing } from "./identity/pairing.ts";
import { createVigil } from "./identity/vigil.ts";
import { createGuardedFetch } from "./network/guarded-fetch.ts";
import { openDiscord } from "./open-discord.ts";
import { openSpans } from "./open-spans.ts";
import { openStores } from "./open-stores.ts";
import { openVectors } from "./open-vectors.ts";
import { identify } from "./pipeline/authenticate.ts";
import type { Corridor } from "./pipeline/corridor.ts";
import { createCorridor } from "./pipeline/create-corridor.ts";
import { lookAfter } from "./pipeline/deliver.ts";
import { createFlows } from "./pipeline/flows.ts";
import { createInFlight } from "./pipeline/in-flight.ts";
import { createMetrics } from "./pipeline/metrics.ts";
import { nextId } from "./pipeline/next-id.ts";
import type { FaultLog, Parts } from "./pipeline/parts.ts";
import { createRegistry, type Registry } from "./pipeline/registry.ts";
import { createStreams } from "./pipeline/streams.ts";
import { createSubscriptions } from "./pipeline/subscriptions.ts";
import { createTurnHandles } from "./pipeline/turn-handle.ts";
import { createTurnWork } from "./pipeline/turn-work.ts";
import type { CompileOptions } from "./policy/compile-scope.ts";
import { createLivePolicy, type LivePolicy } from "./policy-reload.ts";
import type { KnownSecret } from "./redaction/known-secrets.ts";
import { rememberPatterns } from "./redaction/pattern-lists.ts";
import { checkPattern, compilePatterns } from "./redaction/patterns.ts";
import { createRedactor } from "./redaction/redactor.ts";
import { noAdditions } from "./search/additions.ts";
import { followMeaning, type Meaning } from "./search/follow-meaning.ts";
import { createIndexThread } from "./search/index-thread.ts";
import { createIndexer, type Indexer } from "./search/indexer.ts";
import { createSourceLabels, toSubjects } from "./source-labels.ts";
import { ensureDataFolder } from "./stores/data-folder.ts";
import { EngineAway } from "./stores/engine.ts";
import { createWitness } from "./stores/files/audit-witness.ts";
import { createMemoryTextIndex } from "./stores/memory/text-index.ts";
import { openTextIndex } from "./stores/sqlite/text-index.ts";
import type { TextIndex, TokenStore } from "./stores/store.ts";
import { createVaultFeed } from "./vault/feed.ts";
import { createDenseLeg } from "./vectors/dense-leg.ts";
import { createTraffic, inTraffic, makeWay } from "./vectors/traffic.ts";
import { version } from "./version.ts";

export interface Log extends FaultLog {
  info(facts: Readonly<Record<string, unknown>>, message: string): void;
}

export interface AssemblyOptions {
  /** The data folder, which exists. */
  readonly data: string;
  readonly settings: Settings;
  readonly folders: readonly ServedFolder[];
  /** What `~/` stands for in paths and policies: an absolute real path. */
  readonly home: string;
  /** Where clients reach the server, for permalinks. */
  readonly url: () => string;
  /** Where a server answers on this data folder that has the owner's pages; undefined while none does. */
  readonly pages?: () => string | undefined;
  readonly log: Log;
  /** The owner's HTTP APIs. */
  readonly apis?: Apis;
  /** The owner's own kinds of sources. */
  readonly modules?: readonly Adapter[];
}

export interface Assembly {
  readonly corridor: Corridor;
  /** What the corridor's stages work with: benchmarks time them one by one. */
  readonly parts: Parts;
  readonly policy: LivePolicy;
  readonly tokens: TokenStore;
  readonly logins: Logins;
  readonly index: TextIndex;
  readonly indexer: Indexer;
  /** Whether other replicas' sessions are among this one's. */
  readonly sharesSessions: boolean;
  /** Opens what the adapters need and begins to index. */
  start(): Promise<void>;
  /** Lets running calls end within `withinMs`, then stops and closes everything. */
  stop(withinMs: number): Promise<void>;
}

/** The folder of the old versions of files that were written. */
export const versionsFolder = (data: string): string => join(data, "versions");

/** The folder of the policy files. */
export const policyFolder = (data: string, settings: Pick<Settings, "policies">): string =>
  settings.policies || join(data, "policies");

/** Builds the server from its parts: the one place that knows them all. Adapters do nothing before `start`. */
export async function assemble(options: AssemblyOptions): Promise<Assembly> {
  const { data, settings, folders, home, url, log, apis, modules = [] } = options;
  const boot = ulid();
  const fault = (message: string, err: unknown): void => {
    // Of an engine that is away it is told once, when it goes.
    if (!(err instanceof EngineAway)) log.error({ err }, message);
  };
  ensureDataFolder(data);
  const keys = openAuditKeys(data);
  const digest = createDigest(keys);
  const { everySeconds, ...witnesses } = settings.audit.witness;
  const witness = createWitness({
    ...witnesses,
    everyMs: everySeconds * 1_000,
    name: keys.origin.replace(/^.*\//, ""),
    repository: join(data, "witness.git"),
    log: (message, err) => log.error({ err }, message),
  });
  const stores = await openStores({
    ...{ data, settings, boot, fault },
    env: environment(),
    policies: policyFolder(data, settings),
    checkpoint: witness.give,
    serves: true,
  });
  const { state, audit } = stores;
  const indexPath = join(data, "index.db");
  const index = openTextIndex({ path: indexPath });
  const sources = { files: settings.redact.secretFiles, variables: settings.redact.secretVariables };
  const registered = readSecrets(sources);
  for (const refused of registered.refused) log.error({}, `A registered secret: ${refused}`);
  const upstream = readSources(settings.sources, environment());
  const { models, ...keysOfModels } = readModels(settings.models, environment());
  const discord = openDiscord({ data, settings, fault: (message, err) => log.error({ err }, message) });
  const secrets = [
    ...[...secretsOf(settings), ...upstream.secrets, ...keysOfModels.secrets],
    ...[...(discord?.secrets ?? []), ...registered.secrets, ...stores.secrets],
  ];
  const redactor = createRedactor({ patterns: compilePatterns(settings.redact.patterns), secrets });
  const unwatch = watchSecrets(sources, () => {
    try {
      redactor.know(readSecrets(sources).secrets);
    } catch (err) {
      log.error({ err }, "Registered secrets cannot be read again; those that were known are masked as before.");
    }
  });
  const spans = await openSpans(settings.traces, { boot, fault });
  const vectors = openVectors({ data, settings, mask: (text) => redactor.scrubText(text).value });
  const traffic = createTraffic();
  // A Chroma server is written to and asked by one client; vectors of our own are made in the thread that indexes.
  const apart = vectors && settings.vectors.engine === "sqlite";
  const indexer = createIndexThread({
    ...{ path: indexPath, folders, fault },
    ...(apart && { meaning: { data, settings, patterns: settings.redact.patterns, secrets, traffic } }),
  });
  const dense = vectors && createDenseLeg({ ...vectors, fault });
  const roots = createRoots(folders);
  const vaults = createVaultFeed(index, folders);
  const fetch = createGuardedFetch({ privateHosts: settings.http.privateHosts });
  const shipped = createAdapters({
    ...{ settings, folders, home, url, index, indexer, roots, fetch },
    versions: versionsFolder(data),
    closed: [data, policyFolder(data, settings)],
    additions: indexer,
    vaults: vaults.of,
    fault,
    dense: dense && inTraffic(dense, traffic),
    ...(apis && { searches: apis.searches }),
    discord: discord?.link,
  });
  const upstreams = await createUpstreams({
    ...{ data, home, sources: upstream.sources, env: environment() },
    tell: (message, level) => log[level ?? "error"]({}, redactor.scrubText(message).value),
    know: redactor.know,
  });
  const theirPrompts = upstreams.flatMap((upstream) => upstream.prompts ?? []);
  const prompts = createPromptsAdapter(
    {
      folder: settings.prompts || join(data, "prompts"),
      tell: (message) => log.error({}, redactor.scrubText(message).value),
    },
    theirPrompts,
  );
  const sampling = createSampling(models);
  const adapters = [...shipped, ...upstreams, prompts, sampling.adapter, ...(apis?.adapters ?? []), ...modules];
  const decisions = createDecisions(state.consent, url);
  // The policy is compiled with the names of tools and topics, and one topic tells of the policy.
  let policyHash = (): string => "";
  const registry: Registry = createRegistry(adapters, [
    createPolicyTopic(() => policyHash()),
    createPromptsTopic(() => registry.prompts.version()),
    createListsTopic(() => registry.versions()),
    createResourceTopic(() => registry.resources()),
    createConsentTopic(decisions),
  ]);
  const policy = await createLivePolicy({
    store: stores.policies,
    compile: () => compileOptions({ folders, home, registry }),
    log,
  });
  policyHash = () => policy.current().hash;
  const logins = createLogins({
    data,
    settings,
    url,
    keys: stores.keys?.logins,
    store: state.oauth,
    tokens: state.tokens,
    tool: (name) => registry.find(name)?.tool,
    now: Date.now,
    fault: (err) => fault("A login failed for a reason of ours or of its issuer.", err),
  });
  const { limits } = settings;
  const isClosed = toSubjects(settings.flow.closed);
  const flows = createFlows({
    store: state.flows,
    lifetimeMs: settings.flow.lifetimeMs,
    egressOf: (subject) => (isClosed(subject) ? "closed" : "open"),
    isolated: toSubjects(settings.flow.isolated),
    sources: createSourceLabels({
      ...{ folders, stores: settings.openaiStores, said: settings.flow.sources },
      ...(apis && { apis: apis.places }),
      models: sampling.labels,
      prompts: theirPrompts,
    }),
  });
  const scrub = <T>(value: T): T => redactor.scrub(value).value as T;
  const pages = options.pages ?? url;
  const consent = createConsent({
    store: decisions.store,
    trail: createTrail({ audit, boot, now: Date.now, nextId, scrub }),
    policy: policy.current,
    places: () => ({ home, served: folders }),
    limits: settings.consent,
    page: (id) => toConsentPage(pages(), id),
    scrub,
    now: Date.now,
    nextId,
    fault,
    key: stores.keys?.consent,
  });
  const { tokens, sessions } = state;
  const identified = { tokens, sessions, oauth: logins.access, now: Date.now };
  const vigil = createVigil({
    identify: (credential) => identify(identified, credential),
    version: async () => `${await tokens.version()} ${await sessions.version()}`,
    now: Date.now,
    fault: (err) => fault("It cannot be told whether logins that are in use have ended.", err),
  });
  const parts: Parts = {
    registry,
    policy() {
      const why = stores.refusal();
      if (why !== undefined) throw new CallError("UNAVAILABLE", why, { details: { reason: "policy", next: askOwner } });
      return consent.grants.apply(policy.current());
    },
    consent,
    ...identified,
    pair: createPairing({ store: state.oauth, tokens }),
    vigil,
    rates: stores.rates,
    turns: stores.turns,
    turnHandles: createTurnHandles(stores.keys?.turns),
    turnWork: createTurnWork(),
    flows,
    audit,
    digest,
    conceal: createConceal(digest, settings.audit.values),
    warnings: () => [
      ...[witness.fault(), discord?.link.fault()].filter((fault) => fault !== undefined),
      ...stores.warnings(),
    ],
    faults: stores.faults,
    degraded: stores.degraded,
    redactor,
    argumentSecrets: settings.redact.arguments,
    compilePatterns: rememberPatterns(),
    inFlight: createInFlight(limits),
    subscriptions: createSubscriptions(Date.now),
    streams: createStreams(),
    metrics: createMetrics(),
    spans,
    limits,
    log,
    ticks: process.hrtime.bigint,
    version,
    boot,
  };
  parts.subscriptions.tend((subscription) => lookAfter(parts, subscription));
  const ending = new AbortController();
  let meaning: Meaning | undefined;

  return {
    corridor: createCorridor(parts),
    parts,
    policy,
    tokens: state.tokens,
    logins,
    index,
    indexer,
    sharesSessions: stores.sharesSessions,
    async start() {
      for (const adapter of [...shipped, prompts]) await adapter.start?.(ending.signal);
      await Promise.all([...upstreams, ...modules].map((adapter) => adapter.start?.(ending.signal)));
      for (const folder of folders) await roots.open(folder);
      if (vectors && !apart) meaning = followMeaning(index, { ...vectors, ...makeWay(traffic), fault });
    },
    async stop(withinMs) {
      consent.close();
      parts.subscriptions.stop();
      parts.streams.stop();
      await parts.inFlight.drain(withinMs);
      ending.abort();
      vigil.stop();
      await policy.stop();
      await Promise.all(adapters.map((adapter) => adapter.stop?.()));
      await meaning?.stop();
      dense?.stop();
      await vectors?.index.close();
      roots.close();
      unwatch();
      await spans?.stop();
      await redactor.close();
      await index.close();
      await stores.close();
      await witness.close(5_000);
    },
  };
}

const askOwner = "Ask the owner to look at `portcullis doctor`.";

/** Where the owner answers a request. */
const toConsentPage = (url: string | undefined, id: string): string | undefined => url && `${url}/consent/${id}`;

/** The keys that the configuration holds, which must never leave. */
const secretsOf = ({ openaiStores, embeddings, traces, vectors }: Settings): readonly KnownSecret[] =>
  [
    ...openaiStores.map(({ name, apiKey }) => ({ name, value: apiKey })),
    { name: "embeddings", value: embeddings.key },
    { name: "traces", value: traces.key },
    { name: "chroma", value: vectors.chromaKey },
  ].filter(({ value }) => value !== "");

/** The tools that ship, without anything behind them: for commands that only speak of tools. */
export function describeTools(upstreams: readonly Adapter[] = []): Registry {
  const index = createMemoryTextIndex();
  const indexer = createIndexer({ index, folders: [], fault: () => {} });
  const world = {
    versions: "",
    closed: [],
    folders: [],
    home: "/",
    url: () => "",
    settings: {
      openaiStores: [],
      files: { maxWriteBytes: 0, versions: { perFile: 0, bytes: 0, days: 0 } },
    },
    vaults: async () => undefined,
  };
  const fetch = createGuardedFetch({ privateHosts: [] });
  const prompts = createPromptsAdapter({ folder: "", tell: () => {} });
  const shipped = createAdapters({
    ...{ ...world, index, indexer, additions: noAdditions, roots: createRoots([]), fetch, fault: () => {} },
    discord: createDiscordLink({ path: "", token: "", api: "", channels: [], privateHosts: [], fault: () => {} }),
  });
  const sampling = createSampling([{ name: "model", kind: "ollama", url: "http://127.0.0.1", model: "model" }]);
  return createRegistry([...shipped, prompts, sampling.adapter, ...upstreams]);
}

/** What policies are compiled with, by the server and by the commands alike. */
export const compileOptions = (world: {
  readonly folders: readonly ServedFolder[];
  readonly home: string;
  readonly registry: Registry;
}): CompileOptions => ({
  home: world.home,
  served: world.folders,
  tools: [
    ...world.registry.all().map(({ tool }) => tool.name),
    ...world.registry.topics().map(({ topic }) => topic.name),
  ],
  checkPattern,
});
