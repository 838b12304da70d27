import type { Labels } from "@portcullis/contracts";
import type { Adapter } from "./adapters/adapter.ts";
import type { SearchSource } from "./adapters/search-source.ts";
import type { ReadSource } from "./config/read-sources.ts";
import type { Settings } from "./config/settings.ts";
import { createGuardedFetch } from "./network/guarded-fetch.ts";
import { toPort } from "./network/parse-url.ts";

export interface Apis {
  readonly adapters: readonly Adapter[];
  /** Those that `search` and `fetch` look in. */
  readonly searches: readonly SearchSource[];
  /** Where they are, and what is said of what they hold. */
  readonly places: readonly { readonly name: string; readonly base: string; readonly labels: Labels }[];
}

export interface ApiWorld {
  readonly sources: readonly ReadSource[];
  /** `host:port` pairs on private addresses that the owner has opened. */
  readonly privateHosts: readonly string[];
  /** Names that documents of other sources begin with. */
  readonly taken: readonly string[];
  /** For the owner's log. */
  tell(message: string): void;
}

/** Reads the documents of the owner's HTTP APIs. Throws an Error that names the source and says what is wrong with it. */
export async function createApis({ sources, privateHosts, taken, tell }: ApiWorld): Promise<Apis> {
  const wanted = sources.filter((source) => source.kind === "openapi");
  if (wanted.length === 0) return { adapters: [], searches: [], places: [] };
  const [{ createOpenApiAdapter, readApi }, { createApiSearch }] = await Promise.all([
    import("./adapters/openapi/openapi-adapter.ts"),
    import("./adapters/openapi/api-search.ts"),
  ]);
  const adapters: Adapter[] = [];
  const searches: SearchSource[] = [];
  const places: Apis["places"][number][] = [];
  for (const source of wanted) {
    const { name, tools: marks, url, pages, search, headers, query, operations, document } = source;
    const { concurrent = 8, callMs = 30_000 } = source;
    const paging = pages && Object.fromEntries(Object.entries(pages).map(([id, one]) => [id, { most: 5, ...one }]));
    const fetch = createGuardedFetch({
      limits: { totalMs: callMs, redirects: 0 },
      // An address that the owner wrote may be at home; one that a document names may not.
      privateHosts: [...privateHosts, ...(url === undefined ? [] : [hostOf(url)])],
    });
    const own = { ...(marks && { marks }), ...(paging && { paging }), ...(url !== undefined && { url }) };
    try {
      const api = await readApi({ name, document, operations, headers, query, concurrent, fetch, tell, ...own });
      adapters.push(createOpenApiAdapter(api, own));
      const labels: Labels = { untrusted: true, ...marks?.["*"]?.labels, egress: true };
      for (const base of new Set(api.endpoints.map((one) => one.base))) places.push({ name, base, labels });
      if (search === undefined) continue;
      if (taken.includes(name)) throw new Error("documents of another source begin with its name; choose another.");
      searches.push(createApiSearch(api, { ...search, labels }));
    } catch (error) {
      throw new Error(`sources, ${name}, ${document}: ${(error as Error).message}`, { cause: error });
    }
  }
  return { adapters, searches, places };
}

/** The APIs as far as they can be read, and nothing behind them: for commands that only speak of tools. */
export async function describeApis(sources: Settings["sources"], home: string): Promise<readonly Adapter[]> {
  const found: Adapter[] = [];
  for (const source of sources) {
    if (source.kind !== "openapi") continue;
    const { bearer: _, document, ...rest } = source;
    const names = (values: object = {}): Record<string, string> =>
      Object.fromEntries(Object.keys(values).map((name) => [name, ""]));
    const told = { ...rest, headers: names(source.headers), query: names(source.query), env: {}, args: [] };
    const path = document.replace(/^~(?=\/|$)/, home);
    try {
      const world = { privateHosts: [], taken: [], tell: () => {} };
      found.push(...(await createApis({ ...world, sources: [{ ...told, document: path }] })).adapters);
    } catch {
      // A server does not start with it; commands that speak of the other tools do.
    }
  }
  return found;
}

function hostOf(text: string): string {
  const url = new URL(text);
  return `${url.hostname}:${toPort(url)}`;
}
