import { hash } from "node:crypto";
import { CallError, type Citation, type Resource, toUri } from "@portcullis/contracts";
import { type Static, Type } from "typebox";
import {
  addedSource,
  locate,
  toResource as toDocumentResource,
  toPolicyPath,
  unknownDocument,
} from "../../search/document-id.ts";
import type { Tool } from "../adapter.ts";
import { findSource } from "../search-source.ts";
import type { IndexAdapterOptions } from "./index-adapter.ts";

const closed = { additionalProperties: false } as const;

const Input = Type.Object({ id: Type.String({ description: "A document's id, as search gave it." }) }, closed);

const Output = Type.Object(
  {
    id: Type.String(),
    title: Type.String(),
    text: Type.String(),
    url: Type.String(),
    metadata: Type.Optional(Type.Record(Type.String(), Type.String())),
  },
  closed,
);

/**
 * `fetch`: the whole text of a document, read from its file at that moment. Only what the index holds is a document: ignored and binary files
 * are none. A document over the caller's limit is refused, since half of one cannot be told from the whole.
 */
export function createFetchTool(options: IndexAdapterOptions): Tool<Static<typeof Input>, Static<typeof Output>> {
  const { index, folders, permalink, read, look, labels, sources = [] } = options;
  const citations = new WeakMap<Static<typeof Output>, Citation>();
  const toResource = (id: string): Resource =>
    findSource(sources, id)?.resource(id) ?? toDocumentResource(locate(folders, id));
  return {
    name: "fetch",
    title: "Fetch",
    summary: "Gives the whole text of one document by its id.",
    safety: "Reads only; opens only documents that policy lets you read.",
    batch: "one search shows the best passages without opening the documents",
    effect: "read",
    labels,
    input: Input,
    output: Output,
    touches: ({ id }) => [toResource(id)],
    async run({ id }, { permit, signal }) {
      const source = findSource(sources, id);
      if (source) {
        const { title, text, metadata, citation } = await source.fetch(id, { maxBytes: permit.maxBytes, signal });
        const output = { id, title, text, url: source.link?.(id) ?? permalink(id), metadata: { ...metadata } };
        if (citation) citations.set(output, citation);
        return output;
      }
      const place = locate(folders, id);
      const document = index.document(place, place.part);
      if (!document) throw unknownDocument(id);
      const path = toPolicyPath(place);
      // A text that was made from the file is the index's own; whether the file may be read is asked of the file all the same.
      const made = document.derived ? index.text(document.id) : undefined;
      const { bytes, mtimeMs } = made
        ? { bytes: Buffer.from(made), ...(place.source === addedSource ? { mtimeMs: 0 } : await look(path, permit)) }
        : await read(path, permit, signal);
      if (bytes.length > permit.maxBytes) throw tooLarge(bytes.length, permit.maxBytes);
      return {
        id,
        title: document.title,
        text: bytes.toString("utf8").replace(/^\uFEFF/, ""),
        url: permalink(id),
        metadata: {
          path: place.path,
          source: folders.find((folder) => folder.path === place.source)?.name ?? "added",
          modified: new Date(document.derived ? document.time : mtimeMs).toISOString(),
          bytes: String(bytes.length),
          sha256: hash("sha256", bytes),
          ...(document.derived && { derived: "true" }),
        },
      };
    },
    filter(output, allows) {
      if (!allows(toResource(output.id))) throw unknownDocument(output.id);
      return output;
    },
    citations(output) {
      const { id, metadata } = output;
      const known = citations.get(output);
      if (known || findSource(sources, id)) return known ? [known] : [];
      const { bytes, sha256 } = metadata ?? {};
      if (bytes === undefined || sha256 === undefined) return [];
      const { source, path } = locate(folders, id);
      const uri = source === addedSource ? path : toUri({ kind: "path", path: `${source}/${path}` });
      return [{ id, uri, start: 0, end: Number(bytes), sha256, stale: false }];
    },
  };
}

const tooLarge = (bytes: number, maxBytes: number): CallError =>
  new CallError("TOO_LARGE", `The document has ${bytes} bytes; an answer may have ${maxBytes}.`, {
    details: { bytes, maxBytes, next: "Use index.query or search for the passages that you need." },
  });
