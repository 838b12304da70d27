/** Steps of the index's schema; the index can be made again from its sources, so a step may drop everything. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE files (
    -- AUTOINCREMENT: an id is never given to a second file, which a query under way would take for the first.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ino INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    title TEXT NOT NULL,
    chunks INTEGER NOT NULL,
    reason TEXT,
    UNIQUE (source, path)
  ) STRICT;
  -- A chunk's id is its file's id times 65,536 plus its place in the file.
  CREATE TABLE passages (
    chunk INTEGER PRIMARY KEY,
    first INTEGER NOT NULL,
    after INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    text TEXT NOT NULL
  ) STRICT;
  -- Apart from the passages, whose rows are large: every posting needs its chunk's length.
  CREATE TABLE lengths (chunk INTEGER PRIMARY KEY, length INTEGER NOT NULL) STRICT;
  -- Terms come folded and apart: the ascii tokenizer leaves all but ASCII's punctuation and space as it is.
  CREATE VIRTUAL TABLE terms USING fts5(title, path, text, content = '', contentless_delete = 1, tokenize = 'ascii');
  `,
];

/** Chunks that one file may have. */
export const mostChunks = 65_536;
