/** The schema of `audit.db`. No index on the call's id: it would cost every call a third of its record, to help a look-up that is rare. */
export const auditMigrations = [
  `CREATE TABLE records (seq INTEGER PRIMARY KEY, body TEXT NOT NULL, hash TEXT NOT NULL) STRICT;`,
  `CREATE TABLE checkpoints (size INTEGER PRIMARY KEY, note TEXT NOT NULL, frontier BLOB, at INTEGER NOT NULL) STRICT;
   CREATE TABLE segments (last INTEGER PRIMARY KEY, first INTEGER NOT NULL, hash TEXT NOT NULL, note TEXT NOT NULL,
     frontier BLOB NOT NULL, archive TEXT, sha256 TEXT, at INTEGER NOT NULL) STRICT;
   CREATE TABLE lives (boot TEXT PRIMARY KEY, process TEXT NOT NULL) STRICT;
   CREATE TABLE intents (id TEXT PRIMARY KEY, seq INTEGER NOT NULL, boot TEXT NOT NULL) STRICT;`,
];
