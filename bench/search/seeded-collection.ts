import type { Collection, Document, Query } from "./collection.ts";
import { makeNotes } from "./notes-tree.ts";
import { createRandom, pick } from "./random.ts";

/** Collections of our own, for who has no other: a note is to be found by what it is about, said among words that are in all. */
export const seededCollections = (): readonly Collection[] => [
  makeCollection("seeded-notes", 3_000, 11),
  makeCollection("seeded-few", 300, 12),
];

function makeCollection(name: string, passages: number, seed: number): Collection {
  const random = createRandom(seed);
  const documents: Document[] = [];
  const queries: Query[] = [];
  const relevant = new Map<string, ReadonlyMap<string, number>>();
  for (const { path, title, passages: parts, topics, language } of makeNotes(seed, passages)) {
    documents.push({ id: path, path, title, text: parts.join("") });
    const words = [language.word(random), pick(random, topics), language.word(random), pick(random, topics)];
    queries.push({ id: `q-${path}`, text: words.join(language.space) });
    relevant.set(`q-${path}`, new Map([[path, 1]]));
  }
  return { name, documents, queries, relevant };
}
