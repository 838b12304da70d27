import type { Use } from "./embedder.ts";

export type Prefixes = Readonly<Record<Use, string>>;

const asked = "Represent this sentence for searching relevant passages: ";
const instructed = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:";

/** What models were trained to find before a question and before a text, as their cards tell. */
const known: readonly (readonly [RegExp, Prefixes])[] = [
  [/nomic-embed-text/, { query: "search_query: ", document: "search_document: " }],
  [/snowflake-arctic-embed-?(l-|m-)?v?2/, { query: "query: ", document: "" }],
  [/mxbai-embed-large|bge-(small|base|large)(-en)?(?!.*-zh)|snowflake-arctic-embed/, { query: asked, document: "" }],
  [/(^|[/-])e5-|multilingual-e5/, { query: "query: ", document: "passage: " }],
  [/embeddinggemma/, { query: "task: search result | query: ", document: "title: none | text: " }],
  [/qwen3-embedding/, { query: instructed, document: "" }],
];

/** The prefixes of a model by its name; none for one that is not known. */
export const prefixesOf = (model: string): Prefixes =>
  known.find(([pattern]) => pattern.test(model.toLowerCase()))?.[1] ?? { query: "", document: "" };
