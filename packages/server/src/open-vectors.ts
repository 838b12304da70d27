import { hash } from "node:crypto";
import { join } from "node:path";
import { CommandError, exits } from "./cli/exit.ts";
import type { Settings } from "./config/settings.ts";
import { createChromaVectorIndex } from "./stores/chroma/vector-index.ts";
import { openVectorIndex } from "./stores/sqlite/vector-index.ts";
import type { VectorIndex } from "./stores/store.ts";
import { createEmbedder } from "./vectors/create-embedder.ts";
import type { Embedder } from "./vectors/embedder.ts";
import { openWayTo, toFetch } from "./vectors/endpoint-fetch.ts";

export interface VectorOptions {
  readonly data: string;
  readonly settings: Pick<Settings, "embeddings" | "vectors">;
  /** What is done to every text before it leaves this machine. */
  readonly mask: (text: string) => string;
}

export interface Vectors {
  readonly embedder: Embedder;
  readonly index: VectorIndex;
}

const chromaLimits = { totalMs: 20_000, bodyBytes: 16 * 1024 * 1024 } as const;

/** Opens what search by meaning needs; undefined when no endpoint is configured. Throws `CommandError` for settings that cannot be used. */
export function openVectors({ data, settings, mask }: VectorOptions): Vectors | undefined {
  const { url, kind, model, key, dimensions } = settings.embeddings;
  if (url === "") return undefined;
  if (model === "")
    throw new CommandError(exits.config, "embeddings.url is set, embeddings.model is not.", "Name the model.");
  const { engine, chromaUrl, chromaKey } = settings.vectors;
  try {
    const embedder = createEmbedder({
      ...{ url, kind, model, mask },
      ...(key !== "" && { key }),
      ...(dimensions > 0 && { dimensions }),
    });
    if (engine === "sqlite") return { embedder, index: openVectorIndex({ path: join(data, "vectors.db") }) };
    if (chromaUrl === "") throw new Error("vectors.engine is chroma, vectors.chromaUrl is not set.");
    const fetch = toFetch({
      url: chromaUrl,
      ...(chromaKey !== "" && { key: chromaKey }),
      fetch: openWayTo(chromaUrl, chromaLimits),
    });
    const namespace = `portcullis-${hash("sha256", data).slice(0, 12)}`;
    return { embedder, index: createChromaVectorIndex({ url: chromaUrl, namespace, fetch }) };
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(
      exits.config,
      (error as Error).message,
      "docs/configuration.md tells of embeddings and vectors.",
    );
  }
}
