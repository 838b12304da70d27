import type { Citation, Resource } from "@portcullis/contracts";
import { type Static, Type } from "typebox";
import { locate, toResource as toDocumentResource } from "../../search/document-id.ts";
import type { Tool } from "../adapter.ts";
import { askSources, findSource, mergeHits, type SourceHit } from "../search-source.ts";
import { toCitation } from "./citation.ts";
import type { IndexAdapterOptions } from "./index-adapter.ts";

const closed = { additionalProperties: false } as const;

const Input = Type.Object(
  {
    query: Type.String({ description: 'What to look for: words, a sentence, or a "quoted phrase" that has to occur.' }),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 50, description: "The most results to give; 10 by default." }),
    ),
  },
  closed,
);

// The shape that ChatGPT's connectors and deep research expect, no more and no less.
const Output = Type.Object(
  {
    results: Type.Array(
      Type.Object({ id: Type.String(), title: Type.String(), text: Type.String(), url: Type.String() }, closed),
    ),
  },
  closed,
);

type Output = Static<typeof Output>;

/** `search`: the best documents for a query, each with its best passage. */
export function createSearchTool(options: IndexAdapterOptions): Tool<Static<typeof Input>, Output> {
  const { name, searcher, folders, permalink, labels, sources = [], fault } = options;
  const toResource = (id: string): Resource =>
    findSource(sources, id)?.resource(id) ?? toDocumentResource(locate(folders, id));
  // A result has no room for its citation.
  const citations = new WeakMap<Output["results"][number], Citation>();
  const notes = new WeakMap<Output, readonly string[]>();
  return {
    name: "search",
    title: "Search",
    summary:
      "Finds documents by words or quoted phrases and gives the best passage of each, with the id that fetch takes.",
    safety: "Reads only; finds only documents that policy lets you read.",
    batch: "one search with all the words: the best passages come first",
    effect: "read",
    itemwise: true,
    labels: {
      ...labels,
      ...(sources.some((source) => source.labels.egress) && { egress: true }),
      ...(sources.some((source) => source.labels.untrusted) && { untrusted: true }),
    },
    input: Input,
    output: Output,
    touches: (): readonly Resource[] => [{ kind: "index", name, collection: true }],
    async run({ query, limit = 10 }, { permit, signal }) {
      const asked = { query, limit, allows: (resource: Resource) => permit.allows(resource), signal };
      const [own, others] = await Promise.all([
        searcher.search({ ...asked, per: "document", view: permit.view }),
        askSources(sources, { ...asked, ...(fault && { fault }) }),
      ]);
      const found = own.hits.map((hit): SourceHit => ({ ...hit, citation: toCitation(hit) }));
      const hits = mergeHits([found, ...others.lists], limit);
      const results: Output["results"] = [];
      let bytes = 0;
      for (const hit of hits) {
        bytes += Buffer.byteLength(hit.text);
        if (bytes > permit.maxBytes) break;
        const result = {
          id: hit.id,
          title: hit.title,
          text: hit.text,
          url: findSource(sources, hit.id)?.link?.(hit.id) ?? permalink(hit.id),
        };
        if (hit.citation) citations.set(result, hit.citation);
        results.push(result);
      }
      const output: Output = { results };
      notes.set(output, [...own.notes, ...others.notes]);
      return output;
    },
    filter(output, allows) {
      const shown: Output = { results: output.results.filter(({ id }) => allows(toResource(id))) };
      notes.set(shown, notes.get(output) ?? []);
      return shown;
    },
    notes: (output) => notes.get(output) ?? [],
    citations: ({ results }) => results.flatMap((result) => citations.get(result) ?? []),
  };
}
