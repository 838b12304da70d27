import type { DocumentKey, FileStamp, IndexChange, Passage, Posting, TextIndex } from "../store.ts";

type Put = Extract<IndexChange, { kind: "put" }>;
type Skip = Extract<IndexChange, { kind: "skip" }>;

interface Entry {
  readonly id: number;
  readonly change: Put | Skip;
  readonly stamp: FileStamp;
  readonly chunks: readonly { readonly chunk: number; readonly passage: Passage; readonly terms: Fields }[];
}

type Fields = Readonly<Record<Posting["field"], readonly string[]>>;

const fields = ["title", "path", "text"] as const;
const toName = ({ source, path }: DocumentKey): string => `${source}\0${path}`;

/** The full-text index in memory: it looks through everything for each question. */
export function createMemoryTextIndex(): TextIndex {
  let entries = new Map<string, Entry>();
  let nextId = 1;
  let nextChunk = 1;

  const put = (into: Map<string, Entry>, change: Put | Skip): void => {
    const name = toName(change.key);
    if (change.kind === "put" && change.chunks.length === 0) throw new RangeError("A document has at least one chunk.");
    const chunks =
      change.kind === "skip"
        ? []
        : change.chunks.map(({ terms, ...passage }, place) => ({
            chunk: nextChunk++,
            passage,
            terms: { ...(place === 0 ? change.terms : { title: [], path: [] }), text: terms },
          }));
    into.set(name, { id: into.get(name)?.id ?? nextId++, change, stamp: change.stamp, chunks });
  };

  const apply = (into: Map<string, Entry>, change: IndexChange): void => {
    const name = toName(change.key);
    const old = into.get(name);
    if (change.kind === "put" || change.kind === "skip") put(into, change);
    else if (change.kind === "remove") into.delete(name);
    else if (old) into.set(name, { ...old, stamp: change.stamp });
  };

  const search = (count: (terms: readonly string[]) => number): Posting[] =>
    [...entries.values()].flatMap(({ id, chunks }) =>
      chunks.flatMap(({ chunk, terms }) =>
        fields
          .map((field) => ({ document: id, chunk, field, count: count(terms[field]), length: terms.text.length }))
          .filter(({ count }) => count > 0),
      ),
    );

  return {
    async apply(changes) {
      const next = new Map(entries);
      for (const change of changes) apply(next, change);
      entries = next;
    },
    async files(source) {
      const own = [...entries.values()].filter(({ change }) => change.key.source === source);
      return new Map(
        own.map(({ change, stamp, chunks }) => [
          change.key.path,
          {
            ...change.key,
            ...stamp,
            chunks: chunks.length,
            ...(change.kind === "skip" ? { sha256: "", reason: change.reason } : { sha256: change.sha256 }),
          },
        ]),
      );
    },
    postings: async (term) => search((terms) => terms.filter((other) => other === term).length),
    phrase: async (wanted) =>
      search((terms) => Number(terms.some((_, at) => wanted.every((term, offset) => terms[at + offset] === term)))),
    async document(key) {
      const entry = entries.get(toName(key));
      return entry?.change.kind === "put" ? { ...key, id: entry.id, title: entry.change.title } : undefined;
    },
    async documents(ids) {
      const wanted = new Set(ids);
      return [...entries.values()].flatMap(({ id, change }) =>
        wanted.has(id) && change.kind === "put" ? [{ ...change.key, id, title: change.title }] : [],
      );
    },
    async passage(chunk) {
      for (const { chunks } of entries.values())
        for (const entry of chunks) if (entry.chunk === chunk) return entry.passage;
      return undefined;
    },
    async close() {},
  };
}
