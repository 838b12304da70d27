import { hash } from "node:crypto";
import { CallError, type Resource, toUri } from "@portcullis/contracts";
import { unknownDocument } from "../../search/document-id.ts";
import type { SourceDocument } from "../search-source.ts";
import { readName, readStoredFile, readText } from "./answers.ts";
import { type AttributeFilter, fulfils } from "./attribute-filter.ts";
import type { Ask, Exchange, StoreClient } from "./store-client.ts";

export interface FetchFile {
  /** The source's name. */
  readonly source: string;
  readonly client: StoreClient;
  readonly vectorStore: string;
  readonly filters: AttributeFilter | undefined;
}

export interface AskedFile {
  readonly id: string;
  readonly file: string;
  readonly resource: Resource;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

const withinMs = 10_000;

/** Asks for the text of a file: the parts that the API parsed out of it, one under the other. */
export const contentOf = (vectorStore: string, file: string): Exchange<string> => ({
  send: (openai, sent) => openai.vectorStores.files.content(file, { vector_store_id: vectorStore }, sent).asResponse(),
  read: readText,
});

/** A whole file of the store; one that the owner's filter leaves out does not exist. */
export async function fetchFile(
  { source, client, vectorStore, filters }: FetchFile,
  { id, file, resource, maxBytes, signal }: AskedFile,
): Promise<SourceDocument> {
  const ended = new AbortController();
  const asked: Ask = { signal: AbortSignal.any([signal, ended.signal]), withinMs };
  try {
    const [stored, text, title] = await Promise.all([
      client.ask(
        {
          send: (openai, sent) =>
            openai.vectorStores.files.retrieve(file, { vector_store_id: vectorStore }, sent).asResponse(),
          read: readStoredFile,
        },
        asked,
      ),
      client.ask(contentOf(vectorStore, file), asked),
      client
        .ask(
          {
            send: (openai, sent) => openai.files.retrieve(file, sent).asResponse(),
            read: (answer) => readName(answer, file),
          },
          { ...asked, spare: true },
        )
        // A narrow key may read the store and not the list of files.
        .catch(() => file),
    ]);
    if (filters && !fulfils(stored.attributes, filters)) throw unknownDocument(id);
    if (stored.status !== "completed") throw unready(source, stored.status);
    const bytes = Buffer.byteLength(text);
    if (bytes > maxBytes) throw tooLarge(bytes, maxBytes);
    const sha256 = hash("sha256", text);
    const added = stored.createdAt !== undefined && { added: new Date(stored.createdAt * 1_000).toISOString() };
    return {
      id,
      title,
      text,
      metadata: { source, ...added, bytes: String(bytes), sha256 },
      citation: { id, uri: toUri(resource), start: 0, end: bytes, sha256, stale: false },
    };
  } catch (error) {
    if (error instanceof CallError && error.details?.status === 404) throw unknownDocument(id);
    throw error;
  } finally {
    // Whatever still runs is for nobody.
    ended.abort(new CallError("CANCELLED", "The document was not fetched."));
  }
}

const unready = (source: string, status: string): CallError =>
  new CallError("UPSTREAM", `${source} has not taken this document in.`, {
    details: {
      source,
      reason: ["in_progress", "failed", "cancelled"].includes(status) ? status : "not_ready",
      next: "Try again later; if that does not help, tell the user.",
    },
  });

const tooLarge = (bytes: number, maxBytes: number): CallError =>
  new CallError("TOO_LARGE", `The document has ${bytes} bytes; an answer may have ${maxBytes}.`, {
    details: { bytes, maxBytes, next: "Use search for the passages that you need." },
  });
