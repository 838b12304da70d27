import { checkVector, checkVectors, type Neighbor, VectorFault, type VectorIndex } from "../store.ts";
import { type Directory, readDirectory } from "./directory.ts";
import { type ChromaClient, type ChromaCollection, ChromaFault, type ChromaOptions, openClient } from "./driver.ts";

export interface ChromaIndexOptions extends ChromaOptions {
  /** Of a-z, 0-9 and dashes. One process alone may write under a namespace; what others keep on the server is not touched. */
  readonly namespace: string;
}

interface Held {
  readonly collection: ChromaCollection;
  readonly dimensions: number;
  readonly directory: Directory;
}

const mostNeighbors = 1_000;
/** When a caller sees no more chunks than this, they are named to the server. */
const mostNamed = 1_000;
const collectionsAtOnce = 100;

/** Vectors on a Chroma server. Its own search is approximate: it may leave out a near one, but nothing that is hidden takes a place. Nothing is asked before the first use. */
export function createChromaVectorIndex(options: ChromaIndexOptions): VectorIndex {
  const prefix = `${options.namespace}.`;
  let opening: Promise<{ readonly client: ChromaClient; readonly held: Map<string, Held> }> | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const read = async () => {
    const client = await openClient(options);
    const held = new Map<string, Held>();
    for (let offset = 0; ; offset += collectionsAtOnce) {
      const page = await client.listCollections({ limit: collectionsAtOnce, offset });
      for (const collection of page) {
        if (!collection.name.startsWith(prefix)) continue;
        const dimensions = Number(collection.metadata?.dimensions);
        held.set(collection.name.slice(prefix.length), {
          collection,
          dimensions,
          directory: await readDirectory(collection),
        });
      }
      if (page.length < collectionsAtOnce) return { client, held };
    }
  };
  const open = () => {
    opening ??= read().catch((error: unknown) => {
      // The next one tries again.
      opening = undefined;
      throw error;
    });
    return opening;
  };
  const find = async (name: string): Promise<Held | undefined> => (await said(open)).held.get(name);
  /** Writes one after another: the directory and the server have to see them in the same order. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(() => said(work));
    last = turn.catch(() => {});
    return turn;
  };

  const create = async (name: string, dimensions: number): Promise<Held> => {
    const { client, held } = await open();
    const collection = await client.createCollection({
      name: prefix + name,
      metadata: { dimensions },
      embeddingFunction: null,
      configuration: { hnsw: { space: "cosine", ef_construction: 200, ef_search: 200 } },
    });
    const made = { collection, dimensions, directory: await readDirectory(collection) };
    held.set(name, made);
    return made;
  };

  return {
    put: (name, vectors) =>
      inTurn(async () => {
        const there = await find(name);
        checkVectors(vectors, there?.dimensions);
        const latest = [...new Map(vectors.map((one) => [one.chunk, one])).values()];
        const [first] = latest;
        if (!first) return;
        const { collection, directory } = there ?? (await create(name, first.vector.length));
        await collection.upsert({
          ids: latest.map(({ chunk }) => String(chunk)),
          embeddings: latest.map(({ vector }) => [...vector]),
          metadatas: latest.map(({ sha256 }) => ({ sha256 })),
        });
        for (const { chunk, sha256 } of latest) directory.set(chunk, sha256);
      }),
    remove: (chunks) =>
      inTurn(async () => {
        for (const { collection, directory } of (await open()).held.values()) {
          const there = [...new Set(chunks)].filter((chunk) => directory.has(chunk));
          for (let from = 0; from < there.length; from += mostNamed) {
            const some = there.slice(from, from + mostNamed);
            await collection.delete({ ids: some.map(String) });
            for (const chunk of some) directory.delete(chunk);
          }
        }
      }),
    async nearest(name, vector, { k, allows = () => true, signal }) {
      const held = await find(name);
      if (!held) return [];
      checkVector(vector, held.dimensions);
      const wanted = Math.min(k, mostNeighbors);
      const visible = [...held.directory.chunks()].filter((chunk) => allows(chunk));
      if (visible.length === 0 || !(wanted >= 1)) return [];
      const ask = askIn(held.collection, vector, signal);
      const rank = (found: readonly Neighbor[]): readonly Neighbor[] =>
        found
          .filter(({ chunk }) => held.directory.has(chunk) && allows(chunk))
          .sort((a, b) => b.similarity - a.similarity || a.chunk - b.chunk)
          .slice(0, wanted);
      if (visible.length <= mostNamed) return rank(await ask(visible.length, visible.map(String)));
      const { size } = held.directory;
      const enough = Math.min(wanted, visible.length);
      for (let asked = Math.ceil((wanted * 1.5 * size) / visible.length) + 16; ; asked *= 4) {
        const found = rank(await ask(Math.min(asked, size)));
        if (found.length >= enough || asked >= size) return found;
      }
    },
    async missing(name, chunks) {
      const held = await find(name);
      return chunks.filter((chunk) => !held?.directory.has(chunk));
    },
    async known(name, hashes) {
      const held = await find(name);
      const wanted = new Map<string, string>();
      for (const hash of hashes) {
        const chunk = held?.directory.chunkOf(hash);
        if (chunk !== undefined) wanted.set(String(chunk), hash);
      }
      const found = new Map<string, Float32Array>();
      if (!held || wanted.size === 0) return found;
      const { ids, embeddings } = await said(() =>
        held.collection.get({ ids: [...wanted.keys()], include: ["embeddings"] }),
      );
      for (const [n, id] of ids.entries()) {
        const [hash, vector] = [wanted.get(id), embeddings[n]];
        if (hash !== undefined && vector) found.set(hash, Float32Array.from(vector));
      }
      return found;
    },
    chunks: async (name, after, limit) =>
      [...((await find(name))?.directory.chunks() ?? [])]
        .filter((chunk) => chunk > after)
        .sort((a, b) => a - b)
        .slice(0, limit),
    count: async (name) => (await find(name))?.directory.size ?? 0,
    async collections() {
      const { held } = await said(open);
      return [...held].flatMap(([name, { directory }]) => (directory.size > 0 ? [name] : [])).sort();
    },
    drop: (name) =>
      inTurn(async () => {
        const { client, held } = await open();
        if (!held.has(name)) return;
        await client.deleteCollection({ name: prefix + name });
        held.delete(name);
      }),
    async close() {
      await last;
    },
  };
}

const askIn =
  (collection: ChromaCollection, vector: Float32Array, signal: AbortSignal | undefined) =>
  async (nResults: number, ids?: string[]): Promise<Neighbor[]> => {
    signal?.throwIfAborted();
    const answer = await said(() =>
      collection.query({ queryEmbeddings: [[...vector]], nResults, include: ["distances"], ...(ids && { ids }) }),
    );
    signal?.throwIfAborted();
    const distances = answer.distances[0] ?? [];
    return (answer.ids[0] ?? []).map((id, n) => ({ chunk: Number(id), similarity: 1 - (distances[n] ?? 2) }));
  };

/** Puts our name to what the client throws. */
async function said<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ChromaFault || error instanceof VectorFault) throw error;
    throw new ChromaFault("The Chroma server cannot be reached, or answered with something else.", { cause: error });
  }
}
