import { hash } from "node:crypto";
import { type Citation, type Resource, toUri } from "@portcullis/contracts";
import type { ServedFolder } from "../adapters/adapter.ts";
import type { IndexedDocument, Passage, TextIndex } from "../stores/store.ts";
import { toDocumentId, toPolicyPath } from "./document-id.ts";
import { createFolderTree, type FolderTree } from "./folder-tree.ts";
import { createPace } from "./pace.ts";
import { toPathFilter } from "./path-filter.ts";
import { Unreadable } from "./pinned.ts";
import { type Query, toQuery } from "./query.ts";
import { type RankedChunk, rank, type TermHits } from "./rank.ts";

export interface SearchRequest {
  readonly query: string;
  /** The most hits to give. */
  readonly limit: number;
  /** Whether each document counts once, by its best passage, or each passage by itself. */
  readonly per: "document" | "passage";
  /** What the caller may see; the rest does not exist for this search. */
  readonly allows: (resource: Resource) => boolean;
  /** A served folder's name. */
  readonly source?: string | undefined;
  /** See `toPathFilter`. */
  readonly path?: string | undefined;
  readonly signal: AbortSignal;
}

/** A passage of a document, with its citation. */
export interface Hit extends Required<Citation> {
  readonly title: string;
  readonly text: string;
  /** Higher is better; comparable within one answer only. */
  readonly score: number;
}

export interface Searcher {
  search(request: SearchRequest): Promise<readonly Hit[]>;
}

interface Place {
  readonly document: IndexedDocument;
  readonly folder: ServedFolder;
}

/** Search over the served folders. */
export function createSearcher(options: {
  readonly index: TextIndex;
  readonly folders: readonly ServedFolder[];
}): Searcher {
  const { index, folders } = options;
  const trees = new Map(folders.map(({ path }) => [path, createFolderTree(path)]));

  /** Those of the documents that the caller may see, by id. Policy is asked before anything is counted or ranked. */
  async function visible(ids: ReadonlySet<number>, request: SearchRequest): Promise<ReadonlyMap<number, Place>> {
    const pace = createPace();
    const fits = toPathFilter(request.path ?? "");
    const places = new Map<number, Place>();
    for (const document of await index.documents([...ids])) {
      const folder = folders.find(({ path }) => path === document.source);
      if (!folder || (request.source !== undefined && folder.name !== request.source)) continue;
      if (fits(document.path) && request.allows({ kind: "path", path: toPolicyPath(document) }))
        places.set(document.id, { document, folder });
      await pace();
      request.signal.throwIfAborted();
    }
    return places;
  }

  return {
    async search(request) {
      const query = toQuery(request.query);
      const hits = await gather(index, query);
      const asked = new Set(hits.flatMap(({ postings }) => postings.map(({ document }) => document)));
      const required = hits.slice(query.terms.length).map(({ postings }) => new Set(postings.map((at) => at.document)));
      for (const documents of required) for (const id of asked) if (!documents.has(id)) asked.delete(id);
      if (asked.size === 0) return [];
      request.signal.throwIfAborted();
      const places = await visible(asked, request);
      const found: Hit[] = [];
      for (const ranked of inOrder(rank(hits, new Set(places.keys())), places, request.per)) {
        if (found.length >= request.limit) break;
        request.signal.throwIfAborted();
        const place = places.get(ranked.document);
        const passage = await index.passage(ranked.chunk);
        const hit =
          place && passage && toHit(place, passage, { score: ranked.score, tree: trees.get(place.folder.path) });
        if (hit) found.push(hit);
      }
      return found;
    },
  };
}

/** The postings of every term, then of every phrase. */
async function gather(index: TextIndex, { terms, phrases }: Query): Promise<readonly TermHits[]> {
  const hits: TermHits[] = [];
  for (const term of terms) hits.push({ weight: 1, postings: await index.postings(term) });
  for (const phrase of phrases) hits.push({ weight: 2, postings: await index.phrase(phrase) });
  return hits;
}

function inOrder(
  ranked: ReturnType<typeof rank>,
  places: ReadonlyMap<number, Place>,
  per: SearchRequest["per"],
): readonly RankedChunk[] {
  // Equal scores are put in order by what the caller can see: ids would tell which documents came in between.
  const names = new Map([...places].map(([id, { folder, document }]) => [id, `${folder.name}/${document.path}`]));
  const nameOf = (id: number): string => names.get(id) ?? "";
  const chunks = ranked.flatMap(({ chunks }) => (per === "document" ? chunks.slice(0, 1) : chunks));
  return chunks.sort((a, b) => {
    if (a.score !== b.score) return b.score - a.score;
    if (a.document === b.document) return a.chunk - b.chunk;
    return nameOf(a.document) < nameOf(b.document) ? -1 : 1;
  });
}

/** Reads the span back: a file that is gone, or cannot be read any more, is no hit. */
function toHit(
  { document, folder }: Place,
  { start, end, sha256, text }: Passage,
  { score, tree }: { readonly score: number; readonly tree: FolderTree | undefined },
): Hit | undefined {
  if (!tree) return undefined;
  let stale: boolean;
  try {
    stale = hash("sha256", tree.readSpan(document.path, start, end)) !== sha256;
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
  return {
    id: toDocumentId(folder.name, document.path),
    uri: toUri({ kind: "path", path: `${folder.path}/${document.path}` }),
    title: document.title,
    text,
    score,
    start,
    end,
    sha256,
    stale,
  };
}
