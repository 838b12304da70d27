/** A file as it lies in the store. */
export interface WorldFile {
  readonly id: string;
  readonly filename: string;
  /** What the API gives as the file's content. */
  readonly text: string;
  /** By default the paragraphs of the text. */
  readonly chunks?: readonly string[];
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
  readonly status?: "in_progress" | "completed" | "cancelled" | "failed";
  readonly error?: "server_error" | "unsupported_file" | "invalid_file";
}

export interface StoredWorld {
  readonly apiKey: string;
  readonly vectorStore: string;
  /** May change while the server runs. */
  readonly files: readonly WorldFile[];
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const createdAt = 1_750_000_000;

const types: Readonly<Record<number, string>> = { 429: "requests", 500: "server_error", 503: "server_error" };

/** An error in the API's shape; like the real one, it repeats a part of the key. */
export const refuse = (status: number, code: string | null, message?: string): Answer => ({
  status,
  body: {
    error: {
      message: message ?? `The request failed: ${code ?? status}. Key: sk-test-******************7890.`,
      type: types[status] ?? "invalid_request_error",
      param: null,
      code,
    },
  },
});

interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export function answer(world: StoredWorld, { method, path, headers, body }: Request): Answer {
  if (headers.authorization !== `Bearer ${world.apiKey}`)
    return refuse(
      401,
      "invalid_api_key",
      `Incorrect API key provided: ${String(headers.authorization).slice(7, 15)}***7890.`,
    );
  const { pathname, searchParams } = new URL(path, "http://store.invalid");
  const [version, kind, id = "", part, file, content, ...more] = pathname.slice(1).split("/");
  if (version !== "v1" || more.length > 0) return refuse(404, "unknown_url");
  if (method === "GET" && kind === "files" && part === undefined) return showFile(world, id);
  if (kind !== "vector_stores") return refuse(404, "unknown_url");
  if (id !== world.vectorStore) return refuse(404, null, `Vector store with id '${id}' not found.`);
  if (method === "POST" && part === "search" && file === undefined) return search(world, body);
  if (method !== "GET") return refuse(405, null);
  if (part === undefined) return showStore(world);
  if (part !== "files") return refuse(404, "unknown_url");
  if (file === undefined) return listFiles(world, searchParams);
  const found = world.files.find((each) => each.id === file);
  if (!found) return refuse(404, null, `No file found with id '${file}' in vector store '${id}'.`);
  if (content === undefined) return { status: 200, body: toStoreFile(world, found) };
  if (content !== "content") return refuse(404, "unknown_url");
  return {
    status: 200,
    body: {
      object: "vector_store.file_content.page",
      data: [{ type: "text", text: found.text }],
      has_more: false,
      next_page: null,
    },
  };
}

const toStoreFile = ({ vectorStore }: StoredWorld, file: WorldFile) => ({
  id: file.id,
  object: "vector_store.file",
  usage_bytes: Buffer.byteLength(file.text),
  created_at: createdAt,
  vector_store_id: vectorStore,
  status: file.status ?? "completed",
  last_error: file.error === undefined ? null : { code: file.error, message: `Cannot read ${file.filename}.` },
  chunking_strategy: { type: "static", static: { max_chunk_size_tokens: 800, chunk_overlap_tokens: 400 } },
  attributes: file.attributes ?? {},
});

function showFile({ files }: StoredWorld, id: string): Answer {
  const file = files.find((each) => each.id === id);
  if (!file) return refuse(404, null, `No such File object: ${id}`);
  const { filename, text } = file;
  const body = { id, object: "file", bytes: Buffer.byteLength(text), created_at: createdAt, filename };
  return { status: 200, body: { ...body, purpose: "assistants", status: "processed" } };
}

function showStore({ vectorStore, files }: StoredWorld): Answer {
  const count = (status: string): number => files.filter((file) => (file.status ?? "completed") === status).length;
  const file_counts = {
    in_progress: count("in_progress"),
    completed: count("completed"),
    failed: count("failed"),
    cancelled: count("cancelled"),
    total: files.length,
  };
  const facts = { created_at: createdAt, name: "Papers", usage_bytes: 1, last_active_at: createdAt, metadata: {} };
  return {
    status: 200,
    body: { id: vectorStore, object: "vector_store", ...facts, file_counts, status: "completed", expires_after: null },
  };
}

function listFiles(world: StoredWorld, query: URLSearchParams): Answer {
  const limit = Number(query.get("limit") ?? 20);
  if (!(limit >= 1 && limit <= 100)) return refuse(400, null, "Invalid 'limit'.");
  const [filter, after, order] = [query.get("filter"), query.get("after"), query.get("order") ?? "desc"];
  const all = world.files.filter(({ status = "completed" }) => filter === null || status === filter);
  if (order === "desc") all.reverse();
  const from = after === null ? 0 : all.findIndex(({ id }) => id === after) + 1;
  if (after !== null && from === 0) return refuse(400, null, "Invalid 'after'.");
  const data = all.slice(from, from + limit).map((file) => toStoreFile(world, file));
  const ends = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
  return { status: 200, body: { object: "list", data, ...ends, has_more: from + limit < all.length } };
}

const known = new Set(["query", "filters", "max_num_results", "ranking_options", "rewrite_query"]);

interface SearchBody {
  readonly query?: unknown;
  readonly max_num_results?: number;
  readonly rewrite_query?: boolean;
  readonly ranking_options?: { readonly ranker?: string; readonly score_threshold?: number };
  readonly filters?: Filter;
}

function search({ files }: StoredWorld, text: string): Answer {
  const body = JSON.parse(text) as SearchBody;
  const stranger = Object.keys(body).find((key) => !known.has(key));
  if (stranger !== undefined) return refuse(400, "unknown_parameter", `Unknown parameter: '${stranger}'.`);
  const { query, max_num_results: most = 10, rewrite_query: rewrite = false, ranking_options: ranking, filters } = body;
  if (typeof query !== "string" || query === "") return refuse(400, "invalid_type", "Invalid type for 'query'.");
  if (!Number.isInteger(most) || most < 1 || most > 50)
    return refuse(400, "integer_above_max_value", "Invalid 'max_num_results'.");
  const words = query.toLowerCase().match(/\p{L}+/gu) ?? [];
  const scoreOf = (chunk: string): number => {
    const there = words.filter((word) => chunk.toLowerCase().includes(word)).length;
    return words.length === 0 ? 0 : there / words.length;
  };
  const data = files
    .filter(
      ({ status = "completed", attributes = {} }) => status === "completed" && (!filters || fits(filters, attributes)),
    )
    .flatMap((file) =>
      (file.chunks ?? file.text.split("\n\n")).map((chunk) => ({
        file_id: file.id,
        filename: file.filename,
        score: scoreOf(chunk),
        attributes: file.attributes ?? {},
        content: [{ type: "text", text: chunk }],
      })),
    )
    .filter(({ score }) => score > 0 && score >= (ranking?.score_threshold ?? 0))
    .sort((a, b) => b.score - a.score)
    .slice(0, most);
  const search_query = [rewrite ? words.join(" ") : query];
  return {
    status: 200,
    body: { object: "vector_store.search_results.page", search_query, data, has_more: false, next_page: null },
  };
}

type Filter =
  | { readonly type: "and" | "or"; readonly filters: readonly Filter[] }
  | {
      readonly type: string;
      readonly key: string;
      readonly value: string | number | boolean | readonly (string | number)[];
    };

function fits(filter: Filter, attributes: Readonly<Record<string, unknown>>): boolean {
  if ("filters" in filter) {
    const each = filter.filters.map((inner) => fits(inner, attributes));
    return filter.type === "and" ? each.every(Boolean) : each.some(Boolean);
  }
  const given = attributes[filter.key] as number;
  const wanted = filter.value as number;
  if (filter.type === "eq") return given === wanted;
  if (filter.type === "ne") return given !== wanted;
  if (filter.type === "gte") return given >= wanted;
  if (filter.type === "lt") return given < wanted;
  if (filter.type === "in") return (filter.value as readonly unknown[]).includes(given);
  throw new Error(`The double does not know ${filter.type}.`);
}
