/** Steps of the index's schema; the index can be made again from its sources, so a step may drop everything. */
export const migrations: readonly string[] = [
  // The first form, on FTS5: the next step drops what a file has of it.
  "",
  `
  DROP TABLE IF EXISTS files;
  DROP TABLE IF EXISTS passages;
  DROP TABLE IF EXISTS lengths;
  DROP TABLE IF EXISTS terms;
  CREATE TABLE files (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ino INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    reason TEXT,
    UNIQUE (source, path)
  ) STRICT;
  -- A document that changes gets a new id: whoever holds an old one, or a segment that names it, finds nothing instead of something else.
  CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    file INTEGER NOT NULL,
    part TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    title TEXT NOT NULL,
    language TEXT NOT NULL,
    time INTEGER NOT NULL,
    about INTEGER NOT NULL,
    words INTEGER NOT NULL,
    passages INTEGER NOT NULL,
    facts TEXT NOT NULL,
    UNIQUE (file, part)
  ) STRICT;
  CREATE TABLE texts (document INTEGER PRIMARY KEY, text BLOB NOT NULL) STRICT;
  CREATE TABLE next (document INTEGER NOT NULL) STRICT;
  INSERT INTO next VALUES (1);
  -- What has gone, in order, for those who keep a list of what is there.
  CREATE TABLE gone (seq INTEGER PRIMARY KEY AUTOINCREMENT, document INTEGER NOT NULL) STRICT;
  -- A passage's id is its document's id times 1,048,576 plus its place in the document.
  CREATE TABLE passages (
    id INTEGER PRIMARY KEY,
    first INTEGER NOT NULL,
    after INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    label TEXT NOT NULL,
    identity TEXT,
    text TEXT NOT NULL
  ) STRICT;
  CREATE TABLE segments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    documents BLOB NOT NULL,
    lengths BLOB NOT NULL,
    -- The first terms of its blocks, apart by line breaks. Null while it is being written.
    firsts TEXT,
    vocabulary TEXT NOT NULL
  ) STRICT;
  -- A block's id is its segment's id times 1,048,576 plus its place. Positions come last: reading postings alone does not touch their pages.
  CREATE TABLE blocks (id INTEGER PRIMARY KEY, postings BLOB NOT NULL, positions BLOB NOT NULL) STRICT;
  `,
];

/** Passages that one document may have, and blocks that a segment may have. */
export const most = 1_048_576;
