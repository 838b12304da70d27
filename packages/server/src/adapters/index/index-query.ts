import type { Resource } from "@portcullis/contracts";
import { type Static, Type } from "typebox";
import { locate, toResource } from "../../search/document-id.ts";
import type { Tool } from "../adapter.ts";
import { toCitation } from "./citation.ts";
import type { IndexAdapterOptions } from "./index-adapter.ts";

const closed = { additionalProperties: false } as const;

const Input = Type.Object(
  {
    query: Type.String({ description: 'What to look for: words, a sentence, or a "quoted phrase" that has to occur.' }),
    topK: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, description: "The most passages to give; 10 by default." }),
    ),
    filters: Type.Optional(
      Type.Object(
        {
          path: Type.Optional(
            Type.String({
              maxLength: 1_000,
              description: "Path inside the folder: a prefix such as `journal/`, or a glob such as `projects/**/*.md`.",
            }),
          ),
          tag: Type.Optional(
            Type.String({ maxLength: 255, description: "A tag, with or without `#`; those below it count too." }),
          ),
          source: Type.Optional(Type.String({ maxLength: 255, description: "The name of one served folder." })),
        },
        closed,
      ),
    ),
  },
  closed,
);

const Output = Type.Object(
  {
    chunks: Type.Array(
      Type.Object(
        {
          id: Type.String({ description: "The document's id, as fetch takes it." }),
          uri: Type.String(),
          title: Type.String(),
          label: Type.String({
            description: "What a reader calls the place: a page, the headings above, a message; may be empty.",
          }),
          text: Type.String(),
          score: Type.Number({ description: "Higher is better; comparable within one answer only." }),
          start: Type.Integer({ description: "First byte of the passage in the file." }),
          end: Type.Integer({ description: "The byte after its last." }),
          sha256: Type.String({ description: "SHA-256 of these bytes." }),
          stale: Type.Boolean({ description: "True when the file has other bytes there now." }),
          derived: Type.Boolean({
            description:
              "True when the range is one of the text that was made from the file (a PDF's), as fetch gives it.",
          }),
        },
        closed,
      ),
    ),
  },
  closed,
);

type Output = Static<typeof Output>;

/** `index.query`: the best passages for a query, each with its citation. */
export function createQueryTool(options: IndexAdapterOptions): Tool<Static<typeof Input>, Output> {
  const notes = new WeakMap<Output, readonly string[]>();
  const { name, searcher, folders, labels } = options;
  return {
    name: "index.query",
    title: "Query the index",
    summary:
      "Finds passages by words or quoted phrases, each with its exact byte range and hash; several may be of one document.",
    safety: "Reads only; finds only documents that policy lets you read.",
    batch: "one index.query with a larger topK",
    effect: "read",
    itemwise: true,
    labels,
    input: Input,
    output: Output,
    touches: (): readonly Resource[] => [{ kind: "index", name, collection: true }],
    async run({ query, topK = 10, filters = {} }, { permit, signal }) {
      const { hits, notes: said } = await searcher.search({
        query,
        limit: topK,
        per: "passage",
        allows: (resource) => permit.allows(resource),
        view: permit.view,
        filters,
        signal,
      });
      let bytes = 0;
      const chunks = hits.filter(({ text }) => {
        bytes += Buffer.byteLength(text);
        return bytes <= permit.maxBytes;
      });
      const output: Output = { chunks: chunks.map(({ time, ...chunk }) => chunk) };
      notes.set(output, said);
      return output;
    },
    filter(output, allows) {
      const shown: Output = { chunks: output.chunks.filter(({ id }) => allows(toResource(locate(folders, id)))) };
      notes.set(shown, notes.get(output) ?? []);
      return shown;
    },
    notes: (output) => notes.get(output) ?? [],
    citations: ({ chunks }) => chunks.map(toCitation),
  };
}
