import type { Collection } from "../collection.ts";
import { openFts5 } from "./fts5.ts";
import { createMiniSearch } from "./minisearch.ts";
import { grep } from "./ripgrep.ts";

/** By peer, the ids that it ranks first for each query of a collection. grep reads the files in `folder`, the others title and text. */
export async function rankByPeers(
  collection: Collection,
  folder: string,
): Promise<Readonly<Record<string, readonly (readonly string[])[]>>> {
  const { documents, queries, name } = collection;
  const ids = new Map(documents.map(({ id, path }) => [path, id]));
  const grepped: (readonly string[])[] = [];
  for (const { text } of queries) grepped.push((await grep(folder, text)).map((path) => ids.get(path) ?? path));

  const fts5 = openFts5();
  for (const { title, text } of documents) fts5.add(`${title}\n${text}`);
  fts5.commit();
  const byFts5 = (join: "OR" | "AND") =>
    queries.map(({ text }) => fts5.search(text, join).map((number) => documents[number]?.id ?? ""));
  const mini = createMiniSearch(documents, name.endsWith("-de") ? "german" : "english");
  const rankings = {
    grep: grepped,
    "FTS5 OR": byFts5("OR"),
    "FTS5 AND": byFts5("AND"),
    MiniSearch: queries.map(({ text }) => mini(text)),
  };
  fts5.close();
  return rankings;
}
