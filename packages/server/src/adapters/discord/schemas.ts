import { type Static, Type } from "typebox";

const closed = { additionalProperties: false } as const;
const id = (description: string) => Type.String({ pattern: "^[1-9][0-9]{0,18}$", description });
const moment = (description: string) => Type.String({ minLength: 4, maxLength: 40, description });

export const SearchInput = Type.Object(
  {
    query: Type.Optional(
      Type.String({
        maxLength: 1_000,
        description: 'Words that all have to occur, or a "quoted phrase". Without it all messages, the newest first.',
      }),
    ),
    channel: Type.Optional(id("The id of a channel, with its threads, or of a thread.")),
    author: Type.Optional(id("The id of who wrote it.")),
    since: Type.Optional(moment("Only what was written from this time on: 2026-11-23 or 2026-11-23T08:00:00Z.")),
    until: Type.Optional(moment("Only what was written before this time: `next` of the page before goes on there.")),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, description: "The most messages to give; 20 by default." }),
    ),
  },
  closed,
);
export type SearchInput = Static<typeof SearchInput>;

export const Message = Type.Object(
  {
    id: Type.String(),
    uri: Type.String({ description: "discord://GUILD/CHANNEL/MESSAGE; a thread stands behind its channel." }),
    url: Type.String({ description: "The permanent link, which opens it in Discord." }),
    guild: Type.String(),
    channel: Type.String(),
    channelName: Type.Optional(Type.String()),
    thread: Type.Optional(Type.String()),
    threadName: Type.Optional(Type.String()),
    at: Type.String(),
    editedAt: Type.Optional(Type.String()),
    author: Type.Object({ id: Type.String(), name: Type.String(), bot: Type.Optional(Type.Literal(true)) }, closed),
    text: Type.String(),
    truncated: Type.Optional(Type.Literal(true, { description: "Only the beginning of the text is kept." })),
    replyTo: Type.Optional(Type.String()),
    attachments: Type.Optional(
      Type.Array(Type.Object({ name: Type.String(), contentType: Type.String(), bytes: Type.Integer() }, closed), {
        description: "By name alone: they are never downloaded.",
      }),
    ),
  },
  closed,
);
export type Message = Static<typeof Message>;

export const SearchOutput = Type.Object(
  {
    messages: Type.Array(Message),
    next: Type.Optional(Type.String({ description: "There may be older ones: ask again with this as `until`." })),
  },
  closed,
);
export type SearchOutput = Static<typeof SearchOutput>;

export const FetchInput = Type.Object(
  {
    id: Type.String({
      minLength: 1,
      maxLength: 200,
      description: "A message's id, its permanent link, or its discord:// URI.",
    }),
  },
  closed,
);
export type FetchInput = Static<typeof FetchInput>;

export const StreamParams = Type.Object(
  { channel: Type.Optional(id("Only this channel with its threads, or this thread.")) },
  closed,
);
export type StreamParams = Static<typeof StreamParams>;
