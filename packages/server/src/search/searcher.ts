import type { Resource } from "@portcullis/contracts";
import type { ServedFolder } from "../adapters/adapter.ts";
import type { DocumentEntry, TextIndex } from "../stores/store.ts";
import type { DenseLeg } from "../vectors/dense-leg.ts";
import type { Catalog } from "./catalog.ts";
import { createCiter, type Hit } from "./cite.ts";
import { addedSource, toResource } from "./document-id.ts";
import { type Filters, toFilters } from "./filters.ts";
import { blend } from "./hybrid.ts";
import { toQuery } from "./query.ts";
import { evaluate } from "./ranking/evaluate.ts";
import { nearWords } from "./ranking/near-words.ts";
import { reuseRoom } from "./ranking/postings.ts";
import { type Ranked, select } from "./ranking/select.ts";
import { createVisibility, type Visible } from "./ranking/visible.ts";

export interface SearchRequest {
  readonly query: string;
  /** The most hits to give. */
  readonly limit: number;
  /** Whether each document counts once, by its best passage, or each passage by itself. */
  readonly per: "document" | "passage";
  /** What the caller may see; the rest does not exist for this search. */
  readonly allows: (resource: Resource) => boolean;
  /** Stands for `allows`: under the same object it is asked once a document. */
  readonly view: object;
  /** Conditions beside those in the query. */
  readonly filters?: Filters;
  readonly signal: AbortSignal;
}

export interface Found {
  readonly hits: readonly Hit[];
  /** What the answer lacks, for the caller. */
  readonly notes: readonly string[];
}

export interface Searcher {
  search(request: SearchRequest): Promise<Found>;
  /** The documents that a caller may see. */
  visible(request: Pick<SearchRequest, "allows" | "view">): Promise<Visible>;
}

/** More than what is asked for, since the same message may be found in two files, and a file may have gone. */
const spare = 10;
/** How often a search is begun again because segments have been merged under it. */
const mostAttempts = 5;

/** Search over the served folders. */
export function createSearcher(options: {
  readonly index: TextIndex;
  readonly catalog: Catalog;
  readonly folders: readonly ServedFolder[];
  /** Search by meaning; without it words alone count. */
  readonly dense?: DenseLeg | undefined;
}): Searcher {
  const { index, catalog, folders, dense } = options;
  const visibility = createVisibility(catalog);
  const sources = new Map(folders.map((folder) => [folder.path, folder]));
  const cite = createCiter(options);

  const visible: Searcher["visible"] = async ({ view, allows }) => {
    await catalog.refresh();
    return visibility.of(
      view,
      (entry) => (sources.has(entry.source) || entry.source === addedSource) && allows(toResource(entry)),
    );
  };

  /** Undefined when what the catalog knows is no longer so. */
  const rank = (request: SearchRequest, seen: Visible): Outcome | undefined =>
    index.still((): Outcome | undefined => {
      reuseRoom();
      const there = new Set(index.segments());
      if (!catalog.segments.every(({ id }) => there.has(id))) return undefined;
      const query = toQuery(request.query);
      const scope = { index: withBlocks(index), segments: catalog.segments, visible: seen };
      const filters = toFilters(scope, { query, filters: request.filters, sources });
      const admits = (document: number): boolean => {
        const entry = catalog.entry(document);
        return entry !== undefined && filters.every((filter) => filter(entry));
      };
      const limit = request.limit + spare;
      const rest = { catalog, visible: seen, admits, limit, per: request.per };
      const textOf = index.passageText;
      const evaluation = evaluate(scope, query);
      const fits = (id: number): boolean => seen.has(id) && evaluation.fits(id) && admits(id);
      const outcome = (ranked: readonly Ranked[]): Outcome => ({ ranked, fits, query: query.text });
      const ranked = select({ ...rest, textOf, evaluation });
      if (ranked.length > 0) return outcome(ranked);
      if (!/[\p{L}\p{N}]/u.test(query.text))
        return outcome(filters.length > 0 ? latest(catalog, { seen, admits, limit }) : []);
      const near = query.phrases.length > 0 ? [] : nearWords(scope, query.text);
      if (near.length === 0) return outcome([]);
      return outcome(select({ ...rest, textOf, evaluation: evaluate(scope, { ...query, text: "" }, near) }));
    });

  return {
    visible,
    async search(request) {
      for (let attempt = 0; attempt < mostAttempts; attempt++) {
        request.signal.throwIfAborted();
        const outcome = rank(request, await visible(request));
        if (!outcome) continue;
        const { per, limit, signal } = request;
        const blended = dense && (await blend(dense, { ...outcome, per, limit: limit + spare, signal }));
        const { ranked, note } = blended ?? { ranked: outcome.ranked };
        return { hits: cite(ranked, limit), notes: note === undefined ? [] : [note] };
      }
      throw new Error("The index changed faster than it could be read.");
    },
  };
}

/** What words have found, and what else could be. */
interface Outcome {
  readonly ranked: readonly Ranked[];
  readonly fits: (document: number) => boolean;
  readonly query: string;
}

/** The index for one query, which comes to the same blocks more than once. */
function withBlocks(index: TextIndex): TextIndex {
  const blocks = new Map<string, ReturnType<TextIndex["block"]>>();
  return {
    ...index,
    block(segment, place, positions) {
      const key = `${segment} ${place} ${positions}`;
      let block = blocks.get(key);
      if (!block) {
        block = index.block(segment, place, positions);
        blocks.set(key, block);
      }
      return block;
    },
  };
}

/** What there is under conditions alone: the latest first. */
function latest(
  catalog: Catalog,
  { seen, admits, limit }: { readonly seen: Visible; readonly admits: (id: number) => boolean; readonly limit: number },
): readonly Ranked[] {
  const found: DocumentEntry[] = [];
  for (let id = 0; id < catalog.end; id++) {
    const entry = catalog.entry(id);
    if (entry && seen.has(id) && admits(id)) found.push(entry);
  }
  return found
    .sort((a, b) => b.time - a.time || (`${a.source}/${a.path}` < `${b.source}/${b.path}` ? -1 : 1))
    .slice(0, limit)
    .map(({ id }) => ({ document: id, place: 0, score: 0 }));
}
