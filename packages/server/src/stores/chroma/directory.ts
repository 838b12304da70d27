import type { ChromaCollection } from "./driver.ts";

/** Which chunks a collection holds, with the hash of their texts: read once, and kept in step with what is written here. */
export interface Directory {
  readonly size: number;
  has(chunk: number): boolean;
  set(chunk: number, sha256: string): void;
  delete(chunk: number): boolean;
  chunkOf(sha256: string): number | undefined;
  chunks(): Iterable<number>;
}

const pageSize = 1_000;

export async function readDirectory(collection: ChromaCollection): Promise<Directory> {
  const hashes = new Map<number, string>();
  const byHash = new Map<string, Set<number>>();
  const remove = (chunk: number): boolean => {
    const hash = hashes.get(chunk);
    if (hash === undefined) return false;
    const chunks = byHash.get(hash);
    chunks?.delete(chunk);
    if (chunks?.size === 0) byHash.delete(hash);
    return hashes.delete(chunk);
  };
  const set = (chunk: number, sha256: string): void => {
    remove(chunk);
    hashes.set(chunk, sha256);
    const chunks = byHash.get(sha256) ?? new Set<number>();
    byHash.set(sha256, chunks.add(chunk));
  };
  for (let offset = 0; ; offset += pageSize) {
    const { ids, metadatas } = await collection.get({ limit: pageSize, offset, include: ["metadatas"] });
    for (const [n, id] of ids.entries()) set(Number(id), String(metadatas[n]?.sha256 ?? ""));
    if (ids.length < pageSize) break;
  }
  return {
    get size() {
      return hashes.size;
    },
    has: (chunk) => hashes.has(chunk),
    set,
    delete: remove,
    chunkOf: (sha256) => byHash.get(sha256)?.values().next().value,
    chunks: () => hashes.keys(),
  };
}
