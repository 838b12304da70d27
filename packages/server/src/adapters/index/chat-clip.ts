import { hash } from "node:crypto";
import { type Static, Type } from "typebox";
import { addedSource, idOf } from "../../search/document-id.ts";
import type { Tool } from "../adapter.ts";
import { Chat, toChatUrl } from "./chat-add.ts";
import type { IndexAdapterOptions } from "./index-adapter.ts";

const closed = { additionalProperties: false } as const;

const Input = Type.Object(
  {
    chat: Chat,
    task: Type.String({ minLength: 1, maxLength: 80, description: "What the owner gathers this for." }),
    text: Type.String({ minLength: 1, maxLength: 20_000, description: "The part that was chosen." }),
  },
  closed,
);

const Output = Type.Object({ id: Type.String(), tag: Type.String({ description: "For `tag:` in a search." }) }, closed);

/** `chat.clip`: keeps a part of a chat for a named task. The same part again for the same task is the same clip. */
export function createChatClipTool({
  additions,
}: IndexAdapterOptions): Tool<Static<typeof Input>, Static<typeof Output>> {
  const toUrl = ({ chat, task, text }: Static<typeof Input>): string =>
    `${toChatUrl(chat.id)}/clips/${hash("sha256", `${task}\0${text}`).slice(0, 24)}`;
  return {
    name: "chat.clip",
    title: "Keep a clip",
    summary: "Keeps a small part of a chat on chatgpt.com in the search index, for a task that the owner has named.",
    safety: "Changes the index alone; the clip is found only by those whom policy lets read its URL.",
    effect: "write",
    labels: { private: "chats" },
    input: Input,
    output: Output,
    touches: (input) => [{ kind: "url", href: toUrl(input), method: "GET" }],
    async run(input) {
      const { chat, task, text } = input;
      const url = toUrl(input);
      const tag = `task/${toSlug(task)}`;
      const title = `${task}: from ${chat.title ?? "a chat"}`.slice(0, 200);
      await additions.add({
        url,
        text: `${text}\n\n${toChatUrl(chat.id)}\n`,
        title,
        tags: ["clip", tag],
        time: Date.now(),
      });
      return { id: idOf({ source: addedSource, path: url, part: "" }, ""), tag };
    },
  };
}

const toSlug = (task: string): string =>
  task
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-+|-+$/g, "") || "task";
