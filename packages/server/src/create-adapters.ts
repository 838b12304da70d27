import { CallError } from "@portcullis/contracts";
import type { Adapter, Permit, ServedFolder } from "./adapters/adapter.ts";
import { createDiscordAdapter } from "./adapters/discord/discord-adapter.ts";
import { createDiscordSource } from "./adapters/discord/discord-source.ts";
import { createFsAdapter } from "./adapters/fs/create-fs-adapter.ts";
import { createGitAdapter } from "./adapters/git/create-git-adapter.ts";
import { createHttpAdapter } from "./adapters/http/http-adapter.ts";
import { type Additions, createIndexAdapter, type LookAtFile, type ReadFile } from "./adapters/index/index-adapter.ts";
import { createOpenAiSource } from "./adapters/openai-store/openai-source.ts";
import type { SearchSource } from "./adapters/search-source.ts";
import { createVaultAdapter, type VaultAdapterOptions } from "./adapters/vault/vault-adapter.ts";
import type { Settings } from "./config/settings.ts";
import type { DiscordLink } from "./discord/discord-link.ts";
import { pin } from "./files/pin.ts";
import { readPinned } from "./files/read-pinned.ts";
import type { Roots } from "./files/roots.ts";
import type { createGuardedFetch } from "./network/guarded-fetch.ts";
import { createCatalog } from "./search/catalog.ts";
import type { Indexer } from "./search/indexer.ts";
import { createSearcher } from "./search/searcher.ts";
import type { TextIndex } from "./stores/store.ts";
import type { DenseLeg } from "./vectors/dense-leg.ts";

export interface Sources {
  /** Served, by their real paths. */
  readonly folders: readonly ServedFolder[];
  readonly home: string;
  /** Where the HTTP door is reached. */
  readonly url: () => string;
  readonly settings: Pick<Settings, "openaiStores" | "files">;
  /** HTTP APIs that search and fetch look in too. */
  readonly searches?: readonly SearchSource[];
  /** Where old versions of written files are kept. */
  readonly versions: string;
  /** The server's own folders, which no tool writes into. */
  readonly closed: readonly string[];
  readonly index: TextIndex;
  readonly indexer: Indexer;
  readonly additions: Additions;
  readonly roots: Roots;
  readonly vaults: VaultAdapterOptions["vaults"];
  readonly fetch: ReturnType<typeof createGuardedFetch>;
  readonly fault: (message: string, error: unknown) => void;
  readonly dense?: DenseLeg | undefined;
  /** Where the owner listed channels. */
  readonly discord?: DiscordLink | undefined;
}

/** The sources that ship. A new kind of source is one line here. */
export const createAdapters = ({
  settings,
  versions,
  closed,
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
  searches = [],
  discord,
}: Sources): readonly Adapter[] => [
  createFsAdapter({
    ...{ name: "fs", folders, home },
    write: {
      versions,
      limits: settings.files.versions,
      bytes: settings.files.maxWriteBytes,
      closed,
    },
  }),
  createGitAdapter({ name: "git", folders, home }),
  createHttpAdapter({ name: "http", fetch }),
  ...(discord ? [createDiscordAdapter({ link: discord })] : []),
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
    sources: [
      ...settings.openaiStores.map(({ name, ...store }) => createOpenAiSource({ name, ...store, fetch })),
      ...searches,
      ...(discord ? [createDiscordSource(discord)] : []),
    ],
    fault,
  }),
];

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
