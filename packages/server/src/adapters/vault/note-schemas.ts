import { Type } from "typebox";

export const closed = { additionalProperties: false } as const;

/** How tools let a caller name a note. */
export const NoteName = Type.String({
  minLength: 1,
  maxLength: 1_000,
  description: "A note: its id as search gave it, or its path, file name, title or alias.",
});

const Quote = {
  text: Type.String(),
  start: Type.Integer({ minimum: 0, description: "First byte of the text in the file." }),
  end: Type.Integer({ minimum: 0, description: "The byte after its last." }),
  sha256: Type.String({ description: "SHA-256 of these bytes." }),
};

export const NoteInput = Type.Object(
  {
    note: NoteName,
    section: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1_000,
        description: "Only this part: a heading, `A#B` for B inside of A, or `^id` for a block.",
      }),
    ),
    backlinks: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 100, description: "The most backlinks to give; 20 by default." }),
    ),
  },
  closed,
);

export const NoteOutput = Type.Object(
  {
    id: Type.String(),
    title: Type.String(),
    url: Type.String(),
    section: Type.Optional(Type.String()),
    ...Quote,
    modified: Type.String(),
    frontmatter: Type.Record(Type.String(), Type.Unknown(), { description: "The note's properties." }),
    problem: Type.Optional(Type.String({ description: "Why the frontmatter could not be read." })),
    tags: Type.Array(Type.String()),
    aliases: Type.Array(Type.String()),
    headings: Type.Array(Type.Object({ level: Type.Integer(), text: Type.String() }, closed)),
    links: Type.Array(
      Type.Object(
        {
          link: Type.String({ description: "As it is written." }),
          id: Type.Optional(Type.String({ description: "Missing when it leads to nothing that you can read." })),
          title: Type.Optional(Type.String()),
          embed: Type.Optional(Type.Boolean()),
        },
        closed,
      ),
    ),
    backlinks: Type.Array(
      Type.Object({ id: Type.String(), title: Type.String(), lines: Type.Array(Type.Object(Quote, closed)) }, closed),
      { description: "Notes that link to this one, with the lines in which they do." },
    ),
    backlinkCount: Type.Integer({ minimum: 0, description: "Notes that link to this one." }),
    truncated: Type.Boolean({ description: "True when not all links or headings are given." }),
  },
  closed,
);
