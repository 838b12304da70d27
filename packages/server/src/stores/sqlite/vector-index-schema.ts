/**
 * `vectors` has each vector as it came (float32), `codes` the same in signed bytes, apart so that all codes can be read without the vectors. A row's
 * id is never used again: what is put anew has a greater one. Rows of a collection that is gone are swept later.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE collections (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, dimensions INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE vectors (
    id INTEGER PRIMARY KEY AUTOINCREMENT, collection INTEGER NOT NULL, chunk INTEGER NOT NULL, sha256 BLOB NOT NULL, vector BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX vectors_by_chunk ON vectors (collection, chunk);
  CREATE INDEX vectors_by_text ON vectors (collection, sha256);
  CREATE TABLE codes (id INTEGER PRIMARY KEY, collection INTEGER NOT NULL, chunk INTEGER NOT NULL, scale REAL NOT NULL, code BLOB NOT NULL) STRICT;
  `,
];
