import { hash } from "node:crypto";
import type { ChunkCatalogue } from "../../../packages/server/src/vectors/chunk-source.ts";

/** Chunks of text that tests add and take away. */
export interface WritableCatalogue extends ChunkCatalogue {
  add(chunk: number, text: string): void;
  remove(chunk: number): void;
}

export function createCatalogue(): WritableCatalogue {
  const texts = new Map<number, string>();
  return {
    add: (chunk, text) => void texts.set(chunk, text),
    remove: (chunk) => void texts.delete(chunk),
    ids: async (after, limit) =>
      [...texts.keys()]
        .filter((chunk) => chunk > after)
        .sort((a, b) => a - b)
        .slice(0, limit),
    read: async (chunks) =>
      chunks.flatMap((chunk) => {
        const text = texts.get(chunk);
        return text === undefined ? [] : [{ chunk, text, sha256: hash("sha256", text) }];
      }),
    present: async (chunks) => new Set(chunks.filter((chunk) => texts.has(chunk))),
    count: async () => texts.size,
  };
}
