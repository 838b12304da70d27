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

export const LogInput = Type.Object(
  {
    repository: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4096,
        description:
          "The repository's folder or a folder in it, as fs.list takes it; may be left out when only one folder is served.",
      }),
    ),
    since: Type.Optional(moment("Only commits after this")),
    until: Type.Optional(moment("Only commits before this")),
    paths: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 4096 }), {
        minItems: 1,
        maxItems: 100,
        description: "Only commits that touch these files or folders, relative to the repository's folder as given.",
      }),
    ),
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
