import { CallError, type Citation, type Labels, type Resource } from "@portcullis/contracts";
import { fromDocumentId, unknownDocument } from "../search/document-id.ts";

/** A document that a source found, with its best passage. */
export interface SourceHit {
  /** `NAME/…`, led by the source's name; as `toDocumentId` writes it. */
  readonly id: string;
  readonly title: string;
  readonly text: string;
  /** Left out where the passage's exact place in its document is not known. */
  readonly citation?: Citation;
}

export interface SourceQuery {
  readonly query: string;
  /** The most hits to give. */
  readonly limit: number;
  /** What the caller may see; the rest does not exist for this search. */
  readonly allows: (resource: Resource) => boolean;
  readonly signal: AbortSignal;
  /** Milliseconds that an answer is waited for. */
  readonly withinMs: number;
}

export interface SourceDocument {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly citation?: Citation;
}

/** A place elsewhere that `search` and `fetch` also look in. Its errors are `CallError`s that a caller may read. */
export interface SearchSource {
  /** Leads its ids; unique among the sources and the served folders. */
  readonly name: string;
  readonly labels: Labels;
  /** What policy judges for a document; `NOT_FOUND` for an id that can be none of this source's. Asks nobody. */
  resource(id: string): Resource;
  /** Hits in the source's own order, each document once. Sends nothing anywhere before `allows` has said yes to it. */
  search(query: SourceQuery): Promise<readonly SourceHit[]>;
  /** A whole document. The caller has had `resource(id)` judged. */
  fetch(id: string, asked: { readonly maxBytes: number; readonly signal: AbortSignal }): Promise<SourceDocument>;
  /** Where a person opens a document; the server's own permanent link where a source has none. */
  link?(id: string): string;
  /** Loads what the first call would otherwise wait for; asks nobody. */
  start?(): Promise<void>;
}

/** Names that stand in an id as they are. */
export const sourceNamePattern = /^[a-z][a-z0-9-]{0,31}$/;

/** The source that an id belongs to; undefined when it is of none of them. */
export function findSource(sources: readonly SearchSource[], id: string): SearchSource | undefined {
  const parts = fromDocumentId(id);
  return parts && sources.find(({ name }) => name === parts.folder);
}

export interface AskOptions extends Omit<SourceQuery, "withinMs"> {
  /** Milliseconds after which a source is left behind; 3,000 by default. */
  readonly withinMs?: number;
  /** Told of each source that failed. */
  readonly fault?: (message: string, error: unknown) => void;
}

export interface SourceAnswers {
  /** One list for each source, in their order; empty for one that failed. */
  readonly lists: readonly (readonly SourceHit[])[];
  /** A sentence for each source whose results are missing. */
  readonly notes: readonly string[];
}

/**
 * Asks all sources at once. One that fails or is late costs its own results and no more; hits that policy hides are dropped whatever the source
 * has done about it. Rejects only when the caller's own signal fires.
 */
export async function askSources(sources: readonly SearchSource[], options: AskOptions): Promise<SourceAnswers> {
  const answers = await Promise.all(sources.map((source) => askSource(source, options)));
  return {
    lists: answers.map(({ hits }) => hits),
    notes: answers.flatMap(({ note }) => note ?? []),
  };
}

interface SourceAnswer {
  readonly hits: readonly SourceHit[];
  readonly note?: string;
}

async function askSource(source: SearchSource, options: AskOptions): Promise<SourceAnswer> {
  const { withinMs = 3_000, fault, ...query } = options;
  const { name } = source;
  query.signal.throwIfAborted();
  const late = new AbortController();
  const signal = AbortSignal.any([query.signal, late.signal]);
  const stopped = Promise.withResolvers<never>();
  const stop = (): void => stopped.reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  const timer = setTimeout(
    () => late.abort(new CallError("TIMEOUT", `${name} did not answer within ${withinMs} ms.`)),
    withinMs,
  );
  try {
    const hits = await Promise.race([source.search({ ...query, signal, withinMs }), stopped.promise]);
    return { hits: hits.filter(({ id }) => query.allows(judged(source, id))).slice(0, query.limit) };
  } catch (error) {
    query.signal.throwIfAborted();
    fault?.(`${name} could not be searched.`, error);
    const why = error instanceof CallError ? error.message : `${name} could not be searched.`;
    return { hits: [], note: `${why} Its results are missing.` };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

function judged(source: SearchSource, id: string): Resource {
  if (fromDocumentId(id)?.folder !== source.name) throw unknownDocument(id);
  return source.resource(id);
}

const smoothing = 60;

/**
 * One list out of several that each have their own idea of a score: reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009), which sees
 * places only. Lists without common ids take turns, in the order in which they are given, until `limit` is reached; an id that stands in
 * several lists rises. The same lists always give the same answer.
 */
export function mergeHits<H extends { readonly id: string }>(lists: readonly (readonly H[])[], limit: number): H[] {
  const merged = new Map<string, { readonly hit: H; score: number }>();
  for (const list of lists) {
    const seen = new Set<string>();
    for (const [place, hit] of list.entries()) {
      if (seen.has(hit.id)) continue;
      seen.add(hit.id);
      const score = 1 / (smoothing + place);
      const known = merged.get(hit.id);
      if (known) known.score += score;
      else merged.set(hit.id, { hit, score });
    }
  }
  // The sort is stable, so of equals the one of the earlier list leads.
  return [...merged.values()]
    .sort((a, b) => b.score - a.score)
    .slice(0, limit)
    .map(({ hit }) => hit);
}
