import { hash } from "node:crypto";
import { type Resource, toUri } from "@portcullis/contracts";
import { fromDocumentId, toDocumentId, unknownDocument } from "../../search/document-id.ts";
import { type SearchSource, type SourceHit, sourceNamePattern } from "../search-source.ts";
import { isFileId, type Passage, readPassages } from "./answers.ts";
import { type AttributeFilter, fulfils } from "./attribute-filter.ts";
import { openAiUrl, readBaseUrl } from "./base-url.ts";
import { contentOf, fetchFile } from "./fetch-file.ts";
import { createTextCache, locate } from "./locate.ts";
import { createStoreClient, type Exchange, type StoreClientOptions } from "./store-client.ts";
import { readStatus, type StoreStatus } from "./store-status.ts";

export interface OpenAiSourceOptions extends Omit<StoreClientOptions, "baseUrl"> {
  /** The id of the vector store: `vs_…`. */
  readonly vectorStore: string;
  /** OpenAI's own by default; https, or http on this machine. */
  readonly baseUrl?: string;
  /** The only files that are found or fetched. */
  readonly filters?: AttributeFilter;
  /** `auto` by default. */
  readonly ranker?: "auto" | "none" | "default-2024-11-15";
  /** Between 0 and 1: passages with less are no hits. */
  readonly scoreThreshold?: number;
  /** Whether a model on the other side rewrites the query first. */
  readonly rewriteQuery?: boolean;
  /** True for a store that others than the owner can put files into. */
  readonly untrusted?: boolean;
}

export interface OpenAiSource extends SearchSource {
  /** What the store says of itself, for its owner. */
  status(signal: AbortSignal): Promise<StoreStatus>;
}

/** The most that the API gives. It is always asked for: what a caller sees must not depend on the number that they ask for, and little on what is hidden. */
const mostResults = 50;
const longestQuery = 4_096;
const locateMs = 1_000;
/** What is left of a search's time for answering, after its passages have been located. */
const spareMs = 500;
/** Hits for which a file's text is asked for, to find the passage in it. */
const mostLocated = 10;
const cachedCharacters = 8 * 1024 * 1024;

/**
 * An OpenAI vector store behind `search` and `fetch`. For policy, a file is the URL `BASE/vector_stores/ID/files/FILE`, and a search is a POST to
 * `BASE/vector_stores/ID/search`: a query leaves the machine only for a caller whose policy allows that URL and names that method. Throws an
 * `Error` for settings that cannot be used.
 */
export function createOpenAiSource(options: OpenAiSourceOptions): OpenAiSource {
  const { name, vectorStore, filters, untrusted = false } = options;
  const baseUrl = readBaseUrl(options.baseUrl ?? openAiUrl);
  if (!sourceNamePattern.test(name)) throw new Error(`${JSON.stringify(name)} is no name for a source.`);
  if (!isFileId(vectorStore)) throw new Error(`${name}: ${JSON.stringify(vectorStore)} is no id of a vector store.`);
  if (!/^[\x21-\x7e]+$/.test(options.apiKey)) throw new Error(`${name}: the API key is empty, or has spaces in it.`);
  const client = createStoreClient({ ...options, baseUrl });
  const texts = createTextCache(cachedCharacters);
  const place = `${baseUrl}/vector_stores/${vectorStore}`;
  const searching: Resource = { kind: "url", href: `${place}/search`, method: "POST" };
  const toResource = (file: string): Resource => ({ kind: "url", href: `${place}/files/${file}`, method: "GET" });

  const toFile = (id: string): string => {
    const { path = "" } = fromDocumentId(id) ?? {};
    // One document, one id: what is judged and what is asked for stay one.
    if (!isFileId(path) || toDocumentId(name, path) !== id) throw unknownDocument(id);
    return path;
  };

  /** A file's text, when it is known or comes in time: a file's content never changes under its id. */
  const textOf = async (file: string, signal: AbortSignal, withinMs: number): Promise<string | undefined> => {
    const known = texts.get(file);
    if (known !== undefined || withinMs <= 0) return known;
    try {
      const text = await client.ask(contentOf(vectorStore, file), { signal, withinMs, spare: true });
      texts.set(file, text);
      return text;
    } catch {
      // A hit without a citation is still a hit.
      signal.throwIfAborted();
      return undefined;
    }
  };

  const toHit = async ({ file, title, text }: Passage, whole: string | undefined): Promise<SourceHit> => {
    const id = toDocumentId(name, file);
    const span = whole === undefined ? undefined : await locate(whole, text);
    if (!span) return { id, title, text };
    const citation = { id, uri: toUri(toResource(file)), ...span, sha256: hash("sha256", text), stale: false };
    return { id, title, text, citation };
  };

  return {
    name,
    labels: { private: name, egress: true, ...(untrusted && { untrusted }) },
    resource: (id) => toResource(toFile(id)),
    start: () => client.load(),

    async search({ query, limit, allows, signal, withinMs }) {
      const deadline = performance.now() + withinMs;
      const asked = query.trim().slice(0, longestQuery).toWellFormed();
      if (asked === "" || !allows(searching)) return [];
      const passages = await client.ask(toSearch(asked, options), { signal, withinMs });
      const shown = passages
        .filter(({ file, attributes }) => allows(toResource(file)) && (!filters || fulfils(attributes, filters)))
        .slice(0, limit);
      const left = Math.min(locateMs, deadline - performance.now() - spareMs);
      const located = async (passage: Passage, at: number): Promise<SourceHit> =>
        toHit(passage, await textOf(passage.file, signal, at < mostLocated ? left : 0));
      return Promise.all(shown.map(located));
    },

    async fetch(id, { maxBytes, signal }) {
      const file = toFile(id);
      const asked = { id, file, resource: toResource(file), maxBytes, signal };
      return fetchFile({ source: name, client, vectorStore, filters }, asked);
    },

    status: (signal) => readStatus(client, vectorStore, signal),
  };
}

function toSearch(query: string, options: OpenAiSourceOptions): Exchange<readonly Passage[]> {
  const { vectorStore, filters, ranker, scoreThreshold, rewriteQuery = false } = options;
  const ranking = {
    ...(ranker !== undefined && { ranker }),
    ...(scoreThreshold !== undefined && { score_threshold: scoreThreshold }),
  };
  const body = {
    query,
    max_num_results: mostResults,
    rewrite_query: rewriteQuery,
    ...(filters && { filters }),
    ...(Object.keys(ranking).length > 0 && { ranking_options: ranking }),
  };
  return {
    send: (openai, sent) => openai.vectorStores.search(vectorStore, body, sent).asResponse(),
    read: readPassages,
  };
}
