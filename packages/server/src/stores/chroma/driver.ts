/** The part of the `chromadb` package that is used; it is an optional peer, installed by who configures this engine. */
export interface ChromaClient {
  listCollections(page: { limit: number; offset: number }): Promise<readonly ChromaCollection[]>;
  createCollection(options: {
    readonly name: string;
    readonly metadata: Metadata;
    readonly embeddingFunction: null;
    readonly configuration: { readonly hnsw: { readonly space: "cosine"; readonly [setting: string]: unknown } };
  }): Promise<ChromaCollection>;
  deleteCollection(options: { readonly name: string }): Promise<void>;
}

type Metadata = Record<string, string | number>;

export interface ChromaCollection {
  readonly name: string;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  upsert(records: { ids: string[]; embeddings: number[][]; metadatas: Metadata[] }): Promise<void>;
  delete(which: { ids: string[] }): Promise<unknown>;
  query(question: { queryEmbeddings: number[][]; nResults: number; include: ["distances"]; ids?: string[] }): Promise<{
    readonly ids: readonly (readonly string[])[];
    readonly distances: readonly (readonly (number | null)[] | null)[];
  }>;
  get(which: { ids?: string[]; limit?: number; offset?: number; include: ("metadatas" | "embeddings")[] }): Promise<{
    readonly ids: readonly string[];
    readonly metadatas: readonly (Readonly<Record<string, unknown>> | null)[];
    readonly embeddings: readonly (readonly number[])[];
  }>;
}

/** Why the server or its client cannot be used. */
export class ChromaFault extends Error {
  readonly status: number | undefined;

  constructor(message: string, more: { readonly status?: number; readonly cause?: unknown } = {}) {
    super(message, more.cause === undefined ? {} : { cause: more.cause });
    this.name = "ChromaFault";
    this.status = more.status;
  }
}

export interface ChromaOptions {
  /** Such as `http://127.0.0.1:8000`. */
  readonly url: string;
  /** The only way out that the client is given. */
  readonly fetch: typeof globalThis.fetch;
  /** Loads the client: `() => import("chromadb")` unless told. */
  readonly load?: () => Promise<unknown>;
}

// Not a literal: the compiler must not look for a package that need not be there.
const driver: string = "chromadb";

/** Loads the client and gives it our own way out. Throws `ChromaFault`. */
export async function openClient({ url, fetch, load = () => import(driver) }: ChromaOptions): Promise<ChromaClient> {
  let loaded: unknown;
  try {
    loaded = await load();
  } catch (cause) {
    const message = "Chroma is configured but its client is not installed: npm install chromadb@3.5.0";
    throw new ChromaFault(message, { cause });
  }
  const { ChromaClient: Client } = loaded as {
    ChromaClient: new (options: object) => ChromaClient & { apiClient?: unknown };
  };
  const { protocol, hostname, port } = new URL(url);
  const ssl = protocol === "https:";
  const client = new Client({
    host: hostname,
    port: Number(port || (ssl ? 443 : 80)),
    ssl,
    // Else they are taken from the environment.
    tenant: "default_tenant",
    database: "default_database",
  });
  const inner = client.apiClient as { setConfig?: (config: { fetch: typeof globalThis.fetch }) => unknown } | undefined;
  // The package offers no option for it; a version that keeps its client elsewhere would go past the network's rules.
  if (typeof inner?.setConfig !== "function")
    throw new ChromaFault(
      "This version of chromadb cannot be led through the guarded network: install chromadb@3.5.0.",
    );
  inner.setConfig({
    fetch: async (input, init) => {
      const answer = await fetch(input, init);
      if (answer.ok) return answer;
      throw new ChromaFault(`Chroma answered with status ${answer.status}.`, { status: answer.status });
    },
  });
  return client;
}
