import type { ServedFolder } from "../adapters/adapter.ts";
import { createPace } from "../search/pace.ts";
import type { TextIndex } from "../stores/store.ts";
import { createLinkGraph, type LinkGraph } from "./link-graph.ts";
import type { VaultIndex } from "./vault-index.ts";

/** How the notes of the served folders hang together, as far as they are indexed. */
export interface VaultFeed {
  /** The vault of a served folder, brought up to what is indexed by now; the first time that is everything. */
  of(source: string): Promise<VaultIndex | undefined>;
}

/** What a link may lead to beside notes (pictures) is looked for this often at most, in milliseconds. */
const filesEvery = 10_000;

const isNote = (path: string): boolean => /\.(?:md|markdown|mdx)$/i.test(path);

/** Feeds link graphs from the index; nothing is held before the first question. */
export function createVaultFeed(index: TextIndex, folders: readonly ServedFolder[]): VaultFeed {
  let graphs = new Map<string, LinkGraph>();
  const paths = new Map<number, { readonly source: string; readonly path: string }>();
  const latest = new Map<string, number>();
  let last = 0;
  let since = 0;
  let version = -1;
  let filesAt = Number.NEGATIVE_INFINITY;
  let working: Promise<void> = Promise.resolve();

  const begin = (): void => {
    graphs = new Map(folders.map(({ path }) => [path, createLinkGraph()]));
    paths.clear();
    latest.clear();
    last = 0;
    filesAt = Number.NEGATIVE_INFINITY;
  };

  async function takeUp(): Promise<void> {
    const now = index.version();
    if (now === version) return;
    const gone = index.gone(since);
    if (!gone || graphs.size === 0) begin();
    since = gone?.until ?? index.gone(Number.MAX_SAFE_INTEGER)?.until ?? 0;
    for (const id of gone?.ids ?? []) {
      const place = paths.get(id);
      if (!place) continue;
      paths.delete(id);
      // What has come in its place may have been taken up already.
      if (latest.get(`${place.source}/${place.path}`) !== id) continue;
      latest.delete(`${place.source}/${place.path}`);
      graphs.get(place.source)?.remove(place.path);
    }
    const pace = createPace();
    for (const { id, source, path, part } of index.entries(last)) {
      await pace();
      last = id;
      const document = part === "" && isNote(path) ? index.documentById(id) : undefined;
      if (!document) continue;
      const { title, facts } = document;
      const { tags = [], aliases = [], links = [] } = facts;
      paths.set(id, { source, path });
      latest.set(`${source}/${path}`, id);
      graphs.get(source)?.put(path, { title, tags, aliases, links });
    }
    if (performance.now() - filesAt > filesEvery) await takeUpFiles(pace);
    version = now;
  }

  async function takeUpFiles(pace: ReturnType<typeof createPace>): Promise<void> {
    for (const [source, graph] of graphs) {
      for (const path of (await index.files(source)).keys()) {
        if (!isNote(path) && !graph.at(path)) graph.put(path);
        await pace();
      }
    }
    filesAt = performance.now();
  }

  return {
    async of(source) {
      working = working.catch(() => {}).then(takeUp);
      await working;
      return graphs.get(source);
    },
  };
}
