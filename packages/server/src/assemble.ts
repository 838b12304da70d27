import { join } from "node:path";
import { CallError } from "@portcullis/contracts";
import { ulid } from "ulid";
import type { Adapter, Permit, ServedFolder } from "./adapters/adapter.ts";
import { createFsAdapter } from "./adapters/fs/create-fs-adapter.ts";
import { createGitAdapter } from "./adapters/git/create-git-adapter.ts";
import { createHttpAdapter } from "./adapters/http/http-adapter.ts";
import { type Additions, createIndexAdapter, type LookAtFile, type ReadFile } from "./adapters/index/index-adapter.ts";
import { createOpenAiSource } from "./adapters/openai-store/openai-source.ts";
import { createVaultAdapter, type VaultAdapterOptions } from "./adapters/vault/vault-adapter.ts";
import { createConceal } from "./audit/conceal.ts";
import { createDigest, openAuditKeys } from "./audit/keys.ts";
import type { Settings } from "./config/settings.ts";
import { createConsent } from "./consent/consent.ts";
import { createTrail } from "./consent/trail.ts";
import { pin } from "./files/pin.ts";
import { readPinned } from "./files/read-pinned.ts";
import { createRoots, type Roots } from "./files/roots.ts";
import { createLogins, type Logins } from "./identity/oauth/create-logins.ts";
import { createVigil } from "./identity/vigil.ts";
import { createGuardedFetch } from "./network/guarded-fetch.ts";
import { openVectors } from "./open-vectors.ts";
import { identify } from "./pipeline/authenticate.ts";
import type { Corridor } from "./pipeline/corridor.ts";
import { createCorridor } from "./pipeline/create-corridor.ts";
import { createFlows } from "./pipeline/flows.ts";
import { createInFlight } from "./pipeline/in-flight.ts";
import { createMetrics } from "./pipeline/metrics.ts";
import { nextId } from "./pipeline/next-id.ts";
import type { FaultLog, Parts } from "./pipeline/parts.ts";
import { createRegistry, type Registry } from "./pipeline/registry.ts";
import { createTurnHandles } from "./pipeline/turn-handle.ts";
import { createTurnWork } from "./pipeline/turn-work.ts";
import type { CompileOptions } from "./policy/compile-scope.ts";
import { createLivePolicy, type LivePolicy } from "./policy-reload.ts";
import type { KnownSecret } from "./redaction/known-secrets.ts";
import { type CompiledPatterns, checkPattern, compilePatterns } from "./redaction/patterns.ts";
import { createRedactor } from "./redaction/redactor.ts";
import { createCatalog } from "./search/catalog.ts";
import { followMeaning, type Meaning } from "./search/follow-meaning.ts";
import { createIndexThread } from "./search/index-thread.ts";
import { createIndexer, type Indexer } from "./search/indexer.ts";
import { createSearcher } from "./search/searcher.ts";
import { createSourceLabels, toSubjects } from "./source-labels.ts";
import { createWitness } from "./stores/files/audit-witness.ts";
import { createPolicyFolder } from "./stores/files/policy-store.ts";
import { createRateCounter } from "./stores/memory/rate-counter.ts";
import { createMemoryTextIndex } from "./stores/memory/text-index.ts";
import { createTurnCounter } from "./stores/memory/turn-counter.ts";
import { openAuditLog } from "./stores/sqlite/audit-log.ts";
import { openState } from "./stores/sqlite/open-state.ts";
import { openTextIndex } from "./stores/sqlite/text-index.ts";
import type { TextIndex, TokenStore } from "./stores/store.ts";
import { createVaultFeed } from "./vault/feed.ts";
import { createDenseLeg, type DenseLeg } from "./vectors/dense-leg.ts";
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
  const { data, settings, folders, home, url, log } = options;
  const boot = ulid();
  const state = openState(data);
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
  const audit = openAuditLog(data, { durability: settings.audit.durability, boot, checkpoint: witness.give });
  const indexPath = join(data, "index.db");
  const index = openTextIndex({ path: indexPath });
  const fault = (message: string, err: unknown): void => log.error({ err }, message);
  const secrets = secretsOf(settings);
  const redactor = createRedactor({ patterns: compilePatterns(settings.redact.patterns), secrets });
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
  const adapters = createAdapters({
    ...{ data, settings, folders, home, url, index, indexer, roots, fetch },
    additions: indexer,
    vaults: vaults.of,
    fault,
    dense: dense && inTraffic(dense, traffic),
  });
  const registry = createRegistry(adapters);
  const policy = await createLivePolicy({
    store: createPolicyFolder(policyFolder(data, settings)),
    compile: () => compileOptions({ folders, home, registry }),
    log,
  });
  const logins = createLogins({
    data,
    settings,
    url,
    store: state.oauth,
    tokens: state.tokens,
    tool: (name) => registry.find(name)?.tool,
    now: Date.now,
    fault: (err) => log.error({ err }, "A login failed for a reason of ours or of its issuer."),
  });
  const { limits } = settings;
  const isClosed = toSubjects(settings.flow.closed);
  const flows = createFlows({
    store: state.flows,
    lifetimeMs: settings.flow.lifetimeMs,
    egressOf: (subject) => (isClosed(subject) ? "closed" : "open"),
    isolated: toSubjects(settings.flow.isolated),
    sources: createSourceLabels({ folders, stores: settings.openaiStores, said: settings.flow.sources }),
  });
  const scrub = <T>(value: T): T => redactor.scrub(value).value as T;
  const pages = options.pages ?? url;
  const consent = createConsent({
    store: state.consent,
    trail: createTrail({ audit, boot, now: Date.now, nextId, scrub }),
    policy: policy.current,
    places: () => ({ home, served: folders }),
    limits: settings.consent,
    page: (id) => toConsentPage(pages(), id),
    scrub,
    now: Date.now,
    nextId,
    fault,
  });
  const { tokens, sessions } = state;
  const identified = { tokens, sessions, oauth: logins.access, now: Date.now };
  const vigil = createVigil({
    identify: (credential) => identify(identified, credential),
    version: async () => `${await tokens.version()} ${await sessions.version()}`,
    now: Date.now,
    fault: (err) => log.error({ err }, "It cannot be told whether logins that are in use have ended."),
  });
  const parts: Parts = {
    registry,
    policy: () => consent.grants.apply(policy.current()),
    consent,
    ...identified,
    vigil,
    rates: createRateCounter(),
    turns: createTurnCounter(),
    turnHandles: createTurnHandles(),
    turnWork: createTurnWork(),
    flows,
    audit,
    digest,
    conceal: createConceal(digest, settings.audit.values),
    warnings: () => [witness.fault()].filter((fault) => fault !== undefined),
    redactor,
    compilePatterns: rememberPatterns(),
    inFlight: createInFlight(limits),
    metrics: createMetrics(),
    limits,
    log,
    ticks: process.hrtime.bigint,
    version,
    boot,
  };
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
    async start() {
      for (const adapter of adapters) await adapter.start?.(ending.signal);
      for (const folder of folders) await roots.open(folder);
      if (vectors && !apart) meaning = followMeaning(index, { ...vectors, ...makeWay(traffic), fault });
    },
    async stop(withinMs) {
      consent.close();
      await parts.inFlight.drain(withinMs);
      ending.abort();
      vigil.stop();
      await policy.stop();
      for (const adapter of adapters) await adapter.stop?.();
      await meaning?.stop();
      dense?.stop();
      await vectors?.index.close();
      roots.close();
      await index.close();
      await audit.close();
      await witness.close(5_000);
      state.close();
    },
  };
}

interface Sources extends Pick<AssemblyOptions, "data" | "folders" | "home" | "url"> {
  readonly settings: Pick<Settings, "openaiStores" | "files" | "policies">;
  readonly index: TextIndex;
  readonly indexer: Indexer;
  readonly additions: Additions;
  readonly roots: Roots;
  readonly vaults: VaultAdapterOptions["vaults"];
  readonly fetch: ReturnType<typeof createGuardedFetch>;
  readonly fault: (message: string, error: unknown) => void;
  readonly dense?: DenseLeg | undefined;
}

/** Where the owner answers a request. */
const toConsentPage = (url: string | undefined, id: string): string | undefined => url && `${url}/consent/${id}`;

/** The sources that ship. A new kind of source is one line here. */
const createAdapters = ({
  data,
  settings,
  folders,
  home,
  url,
  index,
  indexer,
  additions,
  roots,
  vaults,
  fetch,
  fault,
  dense,
}: Sources): readonly Adapter[] => [
  createFsAdapter({
    ...{ name: "fs", folders, home },
    write: {
      versions: versionsFolder(data),
      limits: settings.files.versions,
      bytes: settings.files.maxWriteBytes,
      closed: [data, policyFolder(data, settings)],
    },
  }),
  createGitAdapter({ name: "git", folders, home }),
  createHttpAdapter({ name: "http", fetch }),
  createVaultAdapter({
    name: "served",
    folders,
    vaults,
    permalink: (id) => `${url()}/d/${id}`,
    read: createReader(roots).read,
    labels: {},
  }),
  createIndexAdapter({
    name: "served",
    index,
    indexer,
    searcher: createSearcher({ index, catalog: createCatalog(index), folders, dense }),
    folders,
    permalink: (id) => `${url()}/d/${id}`,
    additions,
    ...createReader(roots),
    labels: {},
    sources: settings.openaiStores.map(({ name, ...store }) => createOpenAiSource({ name, ...store, fetch })),
    fault,
  }),
];

/** The keys that the configuration holds, which must never leave. */
const secretsOf = ({ openaiStores, embeddings, vectors }: Settings): readonly KnownSecret[] =>
  [
    ...openaiStores.map(({ name, apiKey }) => ({ name, value: apiKey })),
    { name: "embeddings", value: embeddings.key },
    { name: "chroma", value: vectors.chromaKey },
  ].filter(({ value }) => value !== "");

/** The tools that ship, without anything behind them: for commands that only speak of tools. */
export function describeTools(): Registry {
  const index = createMemoryTextIndex();
  const indexer = createIndexer({ index, folders: [], fault: () => {} });
  const world = {
    data: "",
    folders: [],
    home: "/",
    url: () => "",
    settings: {
      ...{ openaiStores: [], policies: "" },
      files: { maxWriteBytes: 0, versions: { perFile: 0, bytes: 0, days: 0 } },
    },
    vaults: async () => undefined,
  };
  const additions: Additions = { add: async () => {}, remove: async () => false };
  const fetch = createGuardedFetch({ privateHosts: [] });
  return createRegistry(
    createAdapters({ ...world, index, indexer, additions, roots: createRoots([]), fetch, fault: () => {} }),
  );
}

/** What policies are compiled with, by the server and by the commands alike. */
export const compileOptions = (world: {
  readonly folders: readonly ServedFolder[];
  readonly home: string;
  readonly registry: Registry;
}): CompileOptions => ({
  home: world.home,
  served: world.folders,
  tools: world.registry.all().map(({ tool }) => tool.name),
  checkPattern,
});

/** Compiles each list of patterns once: scopes give the same lists again and again. */
function rememberPatterns(most = 1_000): Parts["compilePatterns"] {
  const known = new Map<string, CompiledPatterns>();
  return (patterns) => {
    const key = JSON.stringify(patterns);
    let compiled = known.get(key);
    if (!compiled) {
      compiled = compilePatterns(patterns);
      if (known.size >= most) known.clear();
      known.set(key, compiled);
    }
    return compiled;
  };
}

/** Files as documents, by the way that files are read everywhere: pinned, and judged again at their real path. */
function createReader(roots: Roots): { readonly read: ReadFile; readonly look: LookAtFile } {
  const open = (path: string, permit: Permit) =>
    pin({
      path,
      wanted: "file",
      roots,
      hardlinks: permit.hardlinks,
      allows: (real) => permit.allows({ kind: "path", path: real }),
    });
  return {
    async read(path, permit, signal) {
      const pinned = await open(path, permit);
      try {
        const { size, mtimeMs } = pinned.stat;
        if (size > permit.maxBytes) {
          throw new CallError("TOO_LARGE", `The document has ${size} bytes; one answer may hold ${permit.maxBytes}.`, {
            details: { bytes: size, limit: permit.maxBytes, next: "Read it in parts: fs.readFile with a range." },
          });
        }
        return { bytes: await readPinned(pinned, { start: 0, end: size, signal }), mtimeMs };
      } finally {
        pinned.close();
      }
    },
    async look(path, permit) {
      const pinned = await open(path, permit);
      pinned.close();
      return { mtimeMs: pinned.stat.mtimeMs };
    },
  };
}
