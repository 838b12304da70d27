import type { VectorStoreFile } from "openai/resources/vector-stores/files";
import { BadAnswer, isFileId } from "./answers.ts";
import type { StoreClient } from "./store-client.ts";

/** What a vector store says of itself. */
export interface StoreStatus {
  readonly state: "completed" | "in_progress" | "expired";
  readonly files: { readonly total: number; readonly completed: number; readonly pending: number };
  /** Files that could not be taken in, with the API's code for why; at most 1,000. */
  readonly failures: readonly { readonly file: string; readonly reason: string }[];
}

const pageSize = 100;
const mostPages = 10;
const statusMs = 10_000;

/** Asks the store for its state and, page by page, for the files that it could not read. */
export async function readStatus(client: StoreClient, vectorStore: string, signal: AbortSignal): Promise<StoreStatus> {
  const asked = { signal, withinMs: statusMs };
  const status = await client.ask(
    { send: (openai, sent) => openai.vectorStores.retrieve(vectorStore, sent).asResponse(), read: readStore },
    asked,
  );
  const failures: StoreStatus["failures"][number][] = [];
  let after: string | undefined;
  for (let number = 0; number < mostPages; number++) {
    const query = { filter: "failed", limit: pageSize, order: "asc", ...(after !== undefined && { after }) } as const;
    const page = await client.ask(
      { send: (openai, sent) => openai.vectorStores.files.list(vectorStore, query, sent).asResponse(), read: readPage },
      asked,
    );
    failures.push(...page.failures);
    const last = page.failures.at(-1)?.file;
    // A cursor that does not move would be followed for ever.
    if (!page.more || last === undefined || last === after) break;
    after = last;
  }
  return { ...status, failures };
}

type Fields = Readonly<Record<string, unknown>>;

function readStore(answer: unknown): Omit<StoreStatus, "failures"> {
  const { status, file_counts: counts } = (answer ?? {}) as Fields;
  const { total, completed, in_progress: pending } = (counts ?? {}) as Fields;
  if (status !== "completed" && status !== "in_progress" && status !== "expired")
    throw new BadAnswer("the store's status is missing");
  return { state: status, files: { total: toCount(total), completed: toCount(completed), pending: toCount(pending) } };
}

const toCount = (value: unknown): number => {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw new BadAnswer("a count is missing");
  return value;
};

function readPage(answer: unknown): { readonly failures: StoreStatus["failures"]; readonly more: boolean } {
  const { data, has_more: more } = (answer ?? {}) as Fields;
  if (!Array.isArray(data)) throw new BadAnswer("a list is missing");
  const failures = data.slice(0, pageSize).map((item: Partial<VectorStoreFile> | null) => {
    const { id, last_error: error } = item ?? {};
    if (typeof id !== "string" || !isFileId(id)) throw new BadAnswer("a file's id is missing");
    const code = String(error?.code ?? "unknown");
    return { file: id, reason: /^[a-z_]{1,64}$/.test(code) ? code : "unknown" };
  });
  return { failures, more: more === true };
}
