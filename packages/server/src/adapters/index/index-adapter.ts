import type { Labels } from "@portcullis/contracts";
import type { Addition } from "../../search/additions.ts";
import type { ChatAdded, ChatAddition } from "../../search/chats.ts";
import type { Indexer } from "../../search/indexer.ts";
import type { Searcher } from "../../search/searcher.ts";
import type { TextIndex } from "../../stores/store.ts";
import type { Adapter, Permit, ServedFolder } from "../adapter.ts";
import type { SearchSource } from "../search-source.ts";
import { createChatAddTool } from "./chat-add.ts";
import { createChatClipTool } from "./chat-clip.ts";
import { createChatOfferTool } from "./chat-offer.ts";
import { createFetchTool } from "./fetch.ts";
import { createAddTool, createRemoveTool } from "./index-add.ts";
import { createProgressTopic } from "./index-progress.ts";
import { createQueryTool } from "./index-query.ts";
import { createStatusTool } from "./index-status.ts";
import { createJobs } from "./jobs.ts";
import { createSearchTool } from "./search.ts";

/**
 * Reads a permitted file by the path that policy judged; by its own means it makes sure that what it opens is what `permit` allows. Throws
 * `CallError`.
 */
export type ReadFile = (
  path: string,
  permit: Permit,
  signal: AbortSignal,
) => Promise<{ readonly bytes: Buffer; readonly mtimeMs: number }>;

/** Makes sure of a file as `ReadFile` does, without reading it. */
export type LookAtFile = (path: string, permit: Permit) => Promise<{ readonly mtimeMs: number }>;

export interface Additions {
  add(addition: Addition): Promise<void>;
  /** False when there is nothing under the URL. */
  remove(url: string): Promise<boolean>;
  /** Puts messages into the chat under a URL. */
  addChat(chat: ChatAddition): Promise<ChatAdded>;
}

export interface IndexAdapterOptions {
  /** The adapter's, and the index's in `index://NAME/`, which is what policies allow. */
  readonly name: string;
  readonly index: TextIndex;
  readonly searcher: Searcher;
  /** Started and stopped with the adapter. */
  readonly indexer: Indexer;
  readonly folders: readonly ServedFolder[];
  /** The http(s) URL under which a document can be opened. Ids stand in a URL path as they are. */
  readonly permalink: (id: string) => string;
  readonly read: ReadFile;
  readonly look: LookAtFile;
  readonly labels: Labels;
  /** Puts texts into the index and takes them out. */
  readonly additions: Additions;
  /** Other places that `search` and `fetch` look in; none by default. */
  readonly sources?: readonly SearchSource[];
  /** Told of a source that failed. */
  readonly fault?: (message: string, error: unknown) => void;
}

/** The search index as a source: `search`, `fetch`, `index.query` and `index.status`. */
export function createIndexAdapter(options: IndexAdapterOptions): Adapter {
  const { name, indexer, fault = () => {} } = options;
  const jobs = createJobs(fault);
  const tools = [
    createSearchTool(options),
    createFetchTool(options),
    createQueryTool(options),
    createStatusTool(options, jobs),
    createAddTool(options, jobs),
    createRemoveTool(options),
    createChatAddTool(options),
    createChatClipTool(options),
    createChatOfferTool(options),
  ];
  let starting: Promise<void> | undefined;
  return {
    name,
    tools: () => tools,
    topics: () => [createProgressTopic(options)],
    // Calls are answered from what is indexed so far; the first walk of a large folder is not waited for.
    async start() {
      starting = indexer.start();
      await Promise.all((options.sources ?? []).map((source) => source.start?.()));
    },
    async stop() {
      await indexer.stop();
      await starting;
    },
  };
}
