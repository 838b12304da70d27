import { DatabaseSync } from "node:sqlite";
import { toTerms } from "./terms.ts";

export interface Fts5 {
  add(text: string): void;
  /** The numbers of the best ten texts, from 0 in the order in which they came; terms joined by `OR`, or all wanted as by default. */
  search(query: string, join: "OR" | "AND"): readonly number[];
  /** Makes what was added searchable. */
  commit(): void;
  close(): void;
}

/** SQLite's own full-text search with its default tokenizer, or another; in memory without a path. */
export function openFts5({ path = ":memory:", tokenize = "unicode61" } = {}): Fts5 {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = off; PRAGMA synchronous = off");
  database.exec(`CREATE VIRTUAL TABLE texts USING fts5(text, content = '', tokenize = '${tokenize}'); BEGIN`);
  const insert = database.prepare("INSERT INTO texts (rowid, text) VALUES (?, ?)");
  const select = database.prepare("SELECT rowid FROM texts WHERE texts MATCH ? ORDER BY rank LIMIT 10");
  let count = 0;
  return {
    add: (text) => void insert.run(++count, text),
    commit: () => database.exec("COMMIT"),
    search(query, join) {
      const terms = toTerms(query).map((term) => `"${term}"`);
      if (terms.length === 0) return [];
      return select.all(terms.join(` ${join} `)).map(({ rowid }) => Number(rowid) - 1);
    },
    close: () => database.close(),
  };
}
