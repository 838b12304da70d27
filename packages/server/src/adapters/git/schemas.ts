import { type Static, Type } from "typebox";

const closed = { additionalProperties: false } as const;

/** Dates that git and people read alike; git would take any other text for "now". */
const moment = (description: string) =>
  Type.String({
    maxLength: 40,
    pattern:
      "^(\\d{4}-\\d{2}-\\d{2}([T ]\\d{2}:\\d{2}(:\\d{2})?(Z|[+-]\\d{2}:?\\d{2})?)?|\\d{1,5} (minute|hour|day|week|month|year)s? ago|yesterday|today)$",
    description: `${description}: an ISO date or time, «2 weeks ago», «yesterday» or «today».`,
  });

const folder = Type.String({
  minLength: 1,
  maxLength: 4096,
  description:
    "The repository's folder or a folder in it, as fs.list takes it; may be left out when only one folder is served.",
});

const path = (description: string) => Type.String({ minLength: 1, maxLength: 4096, description });

const paths = Type.Array(Type.String({ minLength: 1, maxLength: 4096 }), {
  minItems: 1,
  maxItems: 100,
  description: "Only commits that touch these files or folders, relative to the repository's folder as given.",
});

/** One commit: no range, no path behind a colon, no reflog. */
const revision = (description: string) =>
  Type.String({
    maxLength: 250,
    pattern: "^(?!.*\\.\\.)[A-Za-z0-9][A-Za-z0-9_./~^-]*$",
    description: `${description}: a branch, a tag or a hash, also with ~N or ^N behind it.`,
  });

const context = Type.Integer({
  minimum: 0,
  maximum: 50,
  default: 3,
  description: "Unchanged lines around each change.",
});

export const SubscribeParams = Type.Object(
  {
    repository: Type.Optional(folder),
    branch: Type.Optional(
      Type.String({
        maxLength: 250,
        pattern: "^(?!.*\\.\\.)[A-Za-z0-9][A-Za-z0-9_./-]*$",
        description: "The branch's name; the one that is checked out when it is left out.",
      }),
    ),
  },
  closed,
);
export type SubscribeParams = Static<typeof SubscribeParams>;

export const LogInput = Type.Object(
  {
    repository: Type.Optional(folder),
    since: Type.Optional(moment("Only commits after this")),
    until: Type.Optional(moment("Only commits before this")),
    paths: Type.Optional(paths),
    maxCount: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1000, default: 50, description: "The most commits to give." }),
    ),
    rev: Type.Optional(
      Type.String({
        maxLength: 250,
        pattern: "^[A-Za-z0-9][A-Za-z0-9_./-]*$",
        description: "Where to begin: a branch, a tag, a hash, or a range such as main..topic. By default HEAD.",
      }),
    ),
  },
  closed,
);
export type LogInput = Static<typeof LogInput>;

const ChangedFile = Type.Object(
  {
    path: Type.String({ description: "Relative to the repository." }),
    status: Type.Enum(["added", "modified", "deleted", "typeChanged", "unmerged"]),
  },
  closed,
);
export type ChangedFile = Static<typeof ChangedFile>;

const Commit = Type.Object(
  {
    hash: Type.String(),
    parents: Type.Array(Type.String()),
    author: Type.Object({ name: Type.String(), email: Type.String() }, closed),
    date: Type.String({ description: "When it was written (ISO 8601)." }),
    subject: Type.String(),
    body: Type.String(),
    files: Type.Array(ChangedFile, { description: "What it changed; for a merge, against its first parent." }),
    filesTruncated: Type.Optional(Type.Boolean({ description: "True when it changed more files than are listed." })),
  },
  closed,
);
export type Commit = Static<typeof Commit>;

export const LogOutput = Type.Object(
  {
    repository: Type.String({ description: "The top folder of the repository." }),
    uri: Type.String(),
    commits: Type.Array(Commit),
    truncated: Type.Boolean({
      description: "True when there is more: ask for other dates, paths or a higher maxCount.",
    }),
  },
  closed,
);
export type LogOutput = Static<typeof LogOutput>;

const FileDiff = Type.Object(
  {
    path: Type.String({ description: "Relative to the repository. A rename is told as a deletion and an addition." }),
    status: Type.Enum(["added", "modified", "deleted"]),
    additions: Type.Integer({ minimum: 0 }),
    deletions: Type.Integer({ minimum: 0 }),
    binary: Type.Optional(Type.Boolean({ description: "True when it has no lines to compare." })),
    patch: Type.String({ description: "Unified hunks." }),
    patchTruncated: Type.Optional(Type.Boolean({ description: "True when the patch has more than is given." })),
  },
  closed,
);
export type FileDiff = Static<typeof FileDiff>;

const more = Type.Boolean({ description: "True when there is more than is given: ask for less at once." });

export const DiffInput = Type.Object(
  {
    repository: Type.Optional(folder),
    revRange: Type.String({
      maxLength: 500,
      pattern: "^[A-Za-z0-9][A-Za-z0-9_./~^-]*$",
      description:
        "A..B, A...B (what B changed since they parted), or one commit, which is compared with its first parent.",
    }),
    pathGlob: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1024,
        pattern: "^[^{}\\[\\]]*$",
        description:
          "Only files that match, relative to the repository's folder as given: *, ? and **; *.md in every folder.",
      }),
    ),
    context: Type.Optional(context),
  },
  closed,
);
export type DiffInput = Static<typeof DiffInput>;

export const DiffOutput = Type.Object(
  {
    repository: Type.String(),
    uri: Type.String(),
    from: Type.String({ description: "The hash of what is compared." }),
    to: Type.String({ description: "The hash of what it is compared with." }),
    files: Type.Array(FileDiff),
    truncated: more,
  },
  closed,
);
export type DiffOutput = Static<typeof DiffOutput>;

export const ShowInput = Type.Object(
  {
    repository: Type.Optional(folder),
    rev: revision("The commit"),
    path: Type.Optional(path("A file: shown as it was at that commit, instead of the commit itself.")),
    context: Type.Optional(context),
  },
  closed,
);
export type ShowInput = Static<typeof ShowInput>;

export const ShowOutput = Type.Object(
  {
    repository: Type.String(),
    uri: Type.String(),
    rev: Type.String({ description: "The commit's hash." }),
    commit: Type.Optional(Commit),
    files: Type.Optional(Type.Array(FileDiff)),
    path: Type.Optional(Type.String()),
    content: Type.Optional(Type.String()),
    encoding: Type.Optional(Type.Enum(["utf8", "base64"])),
    size: Type.Optional(Type.Integer({ minimum: 0 })),
    truncated: more,
  },
  closed,
);
export type ShowOutput = Static<typeof ShowOutput>;

const line = (description: string) => Type.Integer({ minimum: 1, maximum: 100_000_000, description });

export const BlameInput = Type.Object(
  {
    repository: Type.Optional(folder),
    path: path("The file, relative to the repository's folder as given."),
    rev: Type.Optional(revision("The file as of this commit, by default HEAD")),
    startLine: Type.Optional(line("The first line, counted from one.")),
    endLine: Type.Optional(line("The last line; at most 2,000 lines are given at once.")),
  },
  closed,
);
export type BlameInput = Static<typeof BlameInput>;

export const BlameOutput = Type.Object(
  {
    repository: Type.String(),
    uri: Type.String(),
    path: Type.String(),
    rev: Type.String(),
    lines: Type.Array(
      Type.Object(
        {
          line: Type.Integer({ minimum: 1 }),
          text: Type.String(),
          commit: Type.Optional(Type.String({ description: "Missing where the line came from what may not be seen." })),
        },
        closed,
      ),
    ),
    commits: Type.Array(
      Type.Object(
        {
          hash: Type.String(),
          author: Type.Object({ name: Type.String(), email: Type.String() }, closed),
          date: Type.String(),
          subject: Type.String(),
        },
        closed,
      ),
      { description: "The commits that the lines name." },
    ),
    truncated: more,
  },
  closed,
);
export type BlameOutput = Static<typeof BlameOutput>;

const sought = (maxLength: number, description: string) =>
  Type.String({ minLength: 1, maxLength, pattern: "^[^\\u0000]*$", description });

export const SearchInput = Type.Object(
  {
    repository: Type.Optional(folder),
    text: Type.Optional(sought(500, "Commits that changed how often this text occurs in a file (git log -S).")),
    regex: Type.Optional(
      sought(200, "Commits with an added or removed line that matches this POSIX extended expression (git log -G)."),
    ),
    ignoreCase: Type.Optional(Type.Boolean({ default: false, description: "For regex." })),
    rev: Type.Optional(revision("Where to begin, by default HEAD")),
    since: Type.Optional(moment("Only commits after this")),
    until: Type.Optional(moment("Only commits before this")),
    paths: Type.Optional(paths),
    maxCount: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 20, description: "The most commits." })),
  },
  closed,
);
export type SearchInput = Static<typeof SearchInput>;

export const SearchOutput = Type.Object(
  {
    repository: Type.String(),
    uri: Type.String(),
    commits: Type.Array(Commit, { description: "Newest first; files are those in which it was found." }),
    truncated: more,
  },
  closed,
);
export type SearchOutput = Static<typeof SearchOutput>;
