import { CallError, type Resource } from "@portcullis/contracts";
import { type Static, Type } from "typebox";
import { addedSource, idOf } from "../../search/document-id.ts";
import type { Tool } from "../adapter.ts";
import type { IndexAdapterOptions } from "./index-adapter.ts";

const closed = { additionalProperties: false } as const;

export const Chat = Type.Object(
  {
    id: Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9-]{7,63}$", description: "As it stands in the chat's own URL." }),
    title: Type.Optional(Type.String({ minLength: 1, maxLength: 300 })),
  },
  closed,
);

const Message = Type.Object(
  {
    id: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9_-]{1,100}$", description: "The page's own id of it." })),
    role: Type.Enum(["user", "assistant", "tool"]),
    model: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    time: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000, description: "Milliseconds since 1970." }),
    ),
    text: Type.String({ minLength: 1, maxLength: 200_000, description: "As Markdown." }),
  },
  closed,
);

const Input = Type.Object(
  {
    chat: Chat,
    messages: Type.Array(Message, { minItems: 1, maxItems: 100, description: "In the order in which they stand." }),
  },
  closed,
);

const Output = Type.Object(
  {
    id: Type.String({ description: "The chat's id for fetch." }),
    added: Type.Integer(),
    changed: Type.Integer(),
    known: Type.Integer({ description: "Messages that were there already, as they are." }),
  },
  closed,
);

/** Characters of one call: what is audited is searched for secrets first, and that takes its time. */
const mostCharacters = 250_000;
/** Calls that may wait for the index at once. */
const mostWaiting = 16;

/** `chat.add`: keeps messages of a chat of chatgpt.com in the index, under the chat's own URL and by the ids that an export has for them. */
export function createChatAddTool({
  additions,
}: IndexAdapterOptions): Tool<Static<typeof Input>, Static<typeof Output>> {
  let waiting = 0;
  return {
    name: "chat.add",
    title: "Keep a chat",
    summary: "Keeps messages of one of the owner's chats on chatgpt.com in the search index, under the chat's URL.",
    safety: "Changes the index alone; the chat is found only by those whom policy lets read its URL.",
    batch: "one call with all messages of the chat",
    effect: "write",
    labels: { private: "chats" },
    input: Input,
    output: Output,
    touches: ({ chat }) => [toChatResource(chat.id)],
    async run({ chat, messages }) {
      const characters = messages.reduce((sum, { text }) => sum + text.length, 0);
      if (characters > mostCharacters)
        throw new CallError(
          "TOO_LARGE",
          `The messages have ${characters} characters; one call takes ${mostCharacters}.`,
          {
            details: { limit: mostCharacters, next: "Send the messages in several calls, in their order." },
          },
        );
      if (waiting >= mostWaiting)
        throw new CallError("UNAVAILABLE", `${waiting} chats are being kept already.`, {
          details: { retryAfterMs: 1_000, next: "Try again in a second." },
        });
      const url = toChatUrl(chat.id);
      waiting++;
      try {
        const { full, ...sum } = await additions.addChat({ url, title: chat.title, messages, time: Date.now() });
        if (full)
          throw new CallError("TOO_LARGE", "This chat is longer than is kept of one from a page.", {
            details: { next: "Import ChatGPT's official export: portcullis import chatgpt FILE." },
          });
        return { id: idOf({ source: addedSource, path: url, part: "" }, ""), ...sum };
      } finally {
        waiting--;
      }
    },
  };
}

export const toChatUrl = (id: string): string => `https://chatgpt.com/c/${id}`;
const toChatResource = (id: string): Resource => ({ kind: "url", href: toChatUrl(id), method: "GET" });
