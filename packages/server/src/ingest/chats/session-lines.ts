import { readClaudeMessage } from "./claude.ts";
import { firstText, isObject, type Json } from "./json-text.ts";
import type { Conversation, Message } from "./transcript.ts";

/** As much text as one document of a session holds; what comes later stands in a next one. */
const mostText = 8 << 20;

/** Whether an entry is a line of a session: a message that stands alone, or a note between them. */
export const isSessionLine = (entry: Json): boolean =>
  (typeof entry.type === "string" &&
    (isObject(entry.message) || typeof entry.summary === "string" || typeof entry.sessionId === "string")) ||
  ((typeof entry.sender === "string" || typeof entry.role === "string") && (entry.text ?? entry.content) !== undefined);

/** Gathers messages that are written one a line (Claude Code's sessions) to documents, one a session. */
export function createSessionGatherer() {
  let session = "";
  let part = 1;
  let length = 0;
  let title: string | undefined;
  let messages: Message[] = [];

  const take = (): Conversation | undefined => {
    if (messages.length === 0) return undefined;
    const name = session === "" ? undefined : session;
    const id = part === 1 || name === undefined ? name : `${name}~${part}`;
    const taken = { id, title, messages };
    messages = [];
    length = 0;
    return taken;
  };

  /** Takes a line up; gives the document that ends before it, if one does. */
  const add = (entry: Json): Conversation | undefined => {
    const name =
      firstText(entry.sessionId, entry.session_id, entry.conversation_uuid, entry.conversation_id) ?? session;
    let before: Conversation | undefined;
    if (name !== session || length > mostText) {
      before = take();
      part = name === session ? part + 1 : 1;
      if (name !== session && before !== undefined) title = undefined;
      session = name;
    }
    if (entry.type === "summary") title = firstText(entry.summary) ?? title;
    const message = readLine(entry);
    if (message !== undefined) {
      messages.push(message);
      length += message.text.length;
    }
    return before;
  };

  return { add, take };
}

function readLine(entry: Json): Message | undefined {
  if (entry.isMeta === true) return undefined;
  const isTurn = entry.type === "user" || entry.type === "assistant";
  if (isObject(entry.message) ? !isTurn : (entry.sender ?? entry.role) === undefined) return undefined;
  const line = isObject(entry.message) ? { ...entry.message, id: entry.uuid, created_at: entry.timestamp } : entry;
  const message = readClaudeMessage(line);
  return message === undefined ? undefined : { ...message, shown: true };
}
