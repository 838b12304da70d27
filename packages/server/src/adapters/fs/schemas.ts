import { type Static, Type } from "typebox";

const closed = { additionalProperties: false } as const;

const path = Type.String({
  minLength: 1,
  maxLength: 4096,
  description:
    "Absolute, under ~/, or inside a served folder: NAME/rest, where NAME is the folder's name (NAME may be left out when only one is served).",
});
const whole = (description: string) => Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description });

const Range = Type.Object(
  { start: whole("First byte."), end: whole("The byte after the last.") },
  {
    ...closed,
    description:
      "Bytes [start, end). As text, a character belongs to the range that holds its first byte; the answer tells the exact bytes.",
  },
);

export const ReadFileInput = Type.Object(
  {
    path,
    encoding: Type.Optional(
      Type.Enum(["utf8", "base64"], { default: "utf8", description: "base64 for what is not text." }),
    ),
    range: Type.Optional(Range),
  },
  closed,
);
export type ReadFileInput = Static<typeof ReadFileInput>;

export const ReadFileOutput = Type.Object(
  {
    path: Type.String(),
    uri: Type.String(),
    encoding: Type.Enum(["utf8", "base64"]),
    content: Type.String(),
    size: whole("Bytes of the whole file."),
    range: Type.Optional(Range),
    mtime: Type.String({ description: "When the file was last changed (ISO 8601)." }),
  },
  closed,
);
export type ReadFileOutput = Static<typeof ReadFileOutput>;

const glob = Type.String({
  minLength: 1,
  maxLength: 1024,
  pattern: "^[^{}\\[\\]]*$",
  description:
    "Gives only what matches, relative to dir: * and ? within a name, ** for any folders; *.md means in every folder. No braces or brackets.",
});

export const ListInput = Type.Object(
  {
    dir: path,
    depth: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 32,
        description: "How many levels of folders to list: 1, or all when the glob has a slash.",
      }),
    ),
    glob: Type.Optional(glob),
  },
  closed,
);
export type ListInput = Static<typeof ListInput>;

const entryTypes = ["file", "folder", "link", "other"] as const;

export const ListOutput = Type.Object(
  {
    dir: Type.String(),
    uri: Type.String(),
    entries: Type.Array(
      Type.Object(
        {
          path: Type.String(),
          type: Type.Enum(entryTypes),
          size: Type.Optional(whole("Bytes of a file.")),
          mtime: Type.Optional(Type.String()),
        },
        closed,
      ),
    ),
    truncated: Type.Boolean({
      description: "True when there is more than was listed: ask for a deeper dir or a narrower glob.",
    }),
  },
  closed,
);
export type ListOutput = Static<typeof ListOutput>;
export type Entry = ListOutput["entries"][number];

export const StatInput = Type.Object({ path }, closed);
export type StatInput = Static<typeof StatInput>;

export const StatOutput = Type.Object(
  {
    path: Type.String(),
    uri: Type.String(),
    type: Type.Enum(["file", "folder"]),
    size: Type.Optional(whole("Bytes of a file.")),
    mtime: Type.String({ description: "When it was last changed (ISO 8601)." }),
  },
  closed,
);
export type StatOutput = Static<typeof StatOutput>;

export const WatchParams = Type.Object({ dir: path, glob: Type.Optional(glob) }, closed);
export type WatchParams = Static<typeof WatchParams>;

export const GrepInput = Type.Object(
  {
    pattern: Type.String({
      minLength: 1,
      maxLength: 1000,
      pattern: "^[^\\n\\r]*$",
      description: "What a line has to match, in RE2 syntax: no lookaround, no backreferences.",
    }),
    dir: path,
    glob: Type.Optional(glob),
    literal: Type.Optional(Type.Boolean({ default: false, description: "Takes the pattern as the text itself." })),
    ignoreCase: Type.Optional(Type.Boolean({ default: false })),
    context: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 5, default: 0, description: "Lines shown before and after each match." }),
    ),
    maxMatches: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 200 })),
  },
  closed,
);
export type GrepInput = Static<typeof GrepInput>;

export const GrepOutput = Type.Object(
  {
    dir: Type.String(),
    uri: Type.String(),
    matches: Type.Array(
      Type.Object(
        {
          path: Type.String(),
          line: Type.Integer({ minimum: 1, description: "Counted from one." }),
          start: whole("First byte of the line's first match in the file, as fs.readFile's range takes it."),
          end: whole("The byte after it."),
          text: Type.String({ description: "The line; of a long one, what stands around the match." }),
          before: Type.Optional(Type.Array(Type.String())),
          after: Type.Optional(Type.Array(Type.String())),
        },
        closed,
      ),
      { description: "A line each, file by file." },
    ),
    files: whole("Files that were searched."),
    skipped: Type.Object(
      { binary: whole("Files that hold a NUL byte."), large: whole("Files that are too large to search.") },
      closed,
    ),
    truncated: Type.Optional(
      Type.Enum(["matches", "answer", "files", "bytes", "time"], {
        description: "Given when there may be more: what was used up. Search a deeper dir or with a narrower glob.",
      }),
    ),
  },
  closed,
);
export type GrepOutput = Static<typeof GrepOutput>;

export const WriteFileInput = Type.Object(
  {
    path,
    content: Type.String({ description: "The whole file: what is not in it is gone from the file." }),
    encoding: Type.Optional(
      Type.Enum(["utf8", "base64"], { default: "utf8", description: "base64 for what is not text." }),
    ),
    mustBeNew: Type.Optional(
      Type.Boolean({ default: false, description: "Refuses to replace: writes only where there is no file yet." }),
    ),
    ifMatch: Type.Optional(
      Type.String({
        pattern: "^[0-9a-fA-F]{64}$",
        description: "SHA-256 of the file as it was read: nothing is written when it has changed since.",
      }),
    ),
  },
  closed,
);
export type WriteFileInput = Static<typeof WriteFileInput>;

export const WriteFileOutput = Type.Object(
  {
    path: Type.String(),
    uri: Type.String(),
    created: Type.Boolean({ description: "True when there was no file before." }),
    size: whole("Bytes of the file now."),
    sha256: Type.String({ description: "SHA-256 of what was written." }),
    version: Type.Optional(
      Type.String({ description: "The old version's id: the owner restores it with `portcullis fs undo`." }),
    ),
  },
  closed,
);
export type WriteFileOutput = Static<typeof WriteFileOutput>;
