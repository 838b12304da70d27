import { hash } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import type { TextIndex } from "../stores/store.ts";
import type { ChunkCatalogue, PendingChunk } from "./chunk-source.ts";

/** More than a document has passages. */
const span = 1_048_576;
const documentsAtOnce = 100;

/** The chunk that is one passage of a document. Documents' ids grow and none is given twice, so neither is a chunk's. */
export const toChunk = (document: number, place: number): number => document * span + place;

export const fromChunk = (chunk: number): { readonly document: number; readonly place: number } => ({
  document: Math.floor(chunk / span),
  place: chunk % span,
});

/**
 * The passages of a text index as chunks. What is embedded of a passage is its text under the document's title and the place's name, without which many
 * a passage does not say what it is about.
 */
export function createPassageChunks(index: TextIndex): ChunkCatalogue {
  let counted: { readonly version: number; readonly count: number } | undefined;

  /** Documents of chunks, each looked up once; others get their turn in between. */
  const lookUp = async <T>(chunks: readonly number[], look: (document: number) => T): Promise<Map<number, T>> => {
    const found = new Map<number, T>();
    for (const chunk of chunks) {
      const { document } = fromChunk(chunk);
      if (found.has(document)) continue;
      found.set(document, look(document));
      if (found.size % documentsAtOnce === 0) await turn();
    }
    return found;
  };

  return {
    async ids(after, limit) {
      const ids: number[] = [];
      const { document } = fromChunk(after);
      for (const { id, passages } of index.entries(document - 1)) {
        for (let place = 0; place < passages && ids.length < limit; place++)
          if (toChunk(id, place) > after) ids.push(toChunk(id, place));
        if (ids.length >= limit) break;
      }
      return ids;
    },
    async read(chunks) {
      const titles = await lookUp(chunks, (document) => index.documentById(document)?.title);
      return chunks.flatMap((chunk): readonly PendingChunk[] => {
        const { document, place } = fromChunk(chunk);
        const title = titles.get(document);
        const passage = title === undefined ? undefined : index.passage(document, place);
        if (title === undefined || !passage || passage.text.trim() === "") return [];
        const text = [title, passage.label, passage.text].filter((part) => part !== "").join("\n");
        return [{ chunk, text, sha256: hash("sha256", text) }];
      });
    },
    async present(chunks) {
      const passages = await lookUp(chunks, (document) => index.documentById(document)?.passages ?? 0);
      return new Set(
        chunks.filter((chunk) => {
          const { document, place } = fromChunk(chunk);
          return place < (passages.get(document) ?? 0);
        }),
      );
    },
    async count() {
      const version = index.version();
      if (counted?.version === version) return counted.count;
      let count = 0;
      for (const { passages } of index.entries(0)) count += passages;
      counted = { version, count };
      return count;
    },
  };
}
