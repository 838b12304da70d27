import { join } from "node:path";
import { afterAll } from "vitest";
import { createChromaVectorIndex } from "../../../packages/server/src/stores/chroma/vector-index.ts";
import { createVectorIndex } from "../../../packages/server/src/stores/memory/vector-index.ts";
import { openVectorIndex } from "../../../packages/server/src/stores/sqlite/vector-index.ts";
import type { VectorIndex } from "../../../packages/server/src/stores/store.ts";
import { openWayTo, toFetch } from "../../../packages/server/src/vectors/endpoint-fetch.ts";
import { type ChromaServer, loadClient, missingChroma, startChroma } from "../../support/embeddings/chroma-server.ts";
import { atEnd, makeFolder } from "./engines.ts";

export interface VectorEngine {
  readonly engine: string;
  /** Why it cannot be run here. */
  readonly missing: string | undefined;
  /** How many random worlds a property is tried on. */
  readonly runs: number;
  open(): Promise<VectorIndex>;
}

let chroma: Promise<ChromaServer> | undefined;
let namespaces = 0;

afterAll(async () => {
  await (await chroma)?.stop();
});

const ended = <T extends VectorIndex>(index: T): T => {
  atEnd(() => index.close());
  return index;
};

/** An index under a namespace of its own on the one server that all tests share. */
export async function openChroma(namespace = `test-${++namespaces}`): Promise<VectorIndex> {
  chroma ??= startChroma();
  const { url } = await chroma;
  const fetch = toFetch({ url, fetch: openWayTo(url, { totalMs: 20_000, bodyBytes: 16 * 1024 * 1024 }) });
  return ended(createChromaVectorIndex({ url, namespace, load: loadClient, fetch }));
}

export const vectorEngines: readonly VectorEngine[] = [
  { engine: "memory", missing: undefined, runs: 100, open: async () => ended(createVectorIndex()) },
  {
    engine: "sqlite",
    missing: undefined,
    runs: 60,
    open: async () => ended(openVectorIndex({ path: join(makeFolder(), "vectors.db") })),
  },
  { engine: "chroma", missing: missingChroma(), runs: 5, open: () => openChroma() },
];
