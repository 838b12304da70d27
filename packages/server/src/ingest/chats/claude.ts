import { showClaudeMessage } from "./claude-content.ts";
import { firstText, isObject, type Json, listOf, objectOf, stringOf, toProse } from "./json-text.ts";
import { orderTree, type TreeNode } from "./message-tree.ts";
import { timeOf } from "./moment.ts";
import { type Conversation, encodeText, type Message } from "./transcript.ts";

/** A message of a conversation, with its place in the conversation's tree if it says one. */
export interface ClaudeNode extends TreeNode {
  /** Undefined when it shows nothing. */
  readonly message: Omit<Message, "shown"> | undefined;
}

/** Whether an entry of an export is a conversation of Claude's. */
export const isClaudeConversation = (entry: Json): boolean =>
  Array.isArray(entry.chat_messages) ||
  (Array.isArray(entry.messages) && (entry.uuid !== undefined || entry.id !== undefined));

/** Whether it is one of its projects, or what it remembers. */
export const isClaudeProject = (entry: Json): boolean =>
  Array.isArray(entry.docs) || typeof entry.prompt_template === "string" || entry.conversations_memory !== undefined;

/** Reads a message of a conversation's `chat_messages`, which has no other name than its place. */
export function readClaudeNode(place: string, value: unknown): ClaudeNode {
  const message = objectOf(value);
  const parent = stringOf(message.parent_message_uuid) || stringOf(message.parent_uuid);
  const read = readClaudeMessage(message);
  return {
    id: idOf(message) ?? `#${place}`,
    parent: parent || undefined,
    time: timeOf(message.created_at),
    message: read,
  };
}

/** Puts a conversation of Claude's export together. */
export async function readClaudeConversation(
  entry: Json,
  listed: readonly ClaudeNode[],
  pace: () => Promise<void> | undefined,
): Promise<Conversation> {
  const nodes = Array.isArray(entry.chat_messages)
    ? listed
    : listOf(entry.messages).map((message, index) => readClaudeNode(String(index), message));
  const known = new Set(nodes.map(({ id }) => id));
  // Exports without branches name no parents: each message then answers the one before it.
  const isTree = nodes.some(({ parent }) => parent !== undefined && known.has(parent));
  const placed = isTree
    ? await orderTree(nodes, firstText(entry.current_leaf_message_uuid), pace)
    : nodes.map((node) => ({ node, shown: true }));
  const model = firstText(entry.model);
  const messages = placed.flatMap(({ node: { message }, shown }): Message[] =>
    message === undefined
      ? []
      : [{ ...message, shown, model: message.model ?? (message.role === "assistant" ? model : undefined) }],
  );
  return {
    id: firstText(entry.uuid, entry.id, entry.conversation_id),
    title: firstText(entry.name, entry.title),
    time: timeOf(entry.updated_at) ?? (messages.some(({ time }) => time) ? undefined : timeOf(entry.created_at)),
    preface: firstText(entry.summary),
    messages,
  };
}

/** A message as a transcript has it; undefined when it shows nothing. */
export function readClaudeMessage(message: Json): Omit<Message, "shown"> | undefined {
  const role = roleOf(message);
  const text = encodeText(showClaudeMessage(message));
  if (text.length === 0 || role === "system") return undefined;
  const id = idOf(message);
  return {
    id: id === undefined ? undefined : `claude:${id}`,
    role,
    model: role === "assistant" ? firstText(message.model) : undefined,
    time: timeOf(message.created_at ?? message.timestamp),
    text,
  };
}

const idOf = (message: Json): string | undefined => firstText(message.uuid, message.id);

function roleOf(message: Json): string {
  const role = firstText(message.sender, message.role, objectOf(message.content).role, message.type) ?? "unknown";
  return role === "human" ? "user" : role;
}

/** A project of Claude's export as a document: its instructions and the documents that it holds, or what is remembered of conversations. */
export function readClaudeProject(entry: Json): Conversation {
  const section = (role: string, text: string | undefined, message: Json = {}): Message[] => {
    const id = idOf(message);
    const named = id === undefined ? undefined : `claude:${id}`;
    return text ? [{ role, text: encodeText(text), shown: true, time: timeOf(message.created_at), id: named }] : [];
  };
  const isMemory = entry.conversations_memory !== undefined;
  return {
    id: firstText(entry.uuid, entry.id) ?? (isMemory ? "memory" : undefined),
    title: firstText(entry.name, entry.title) ?? (isMemory ? "What Claude remembers" : undefined),
    time: timeOf(entry.updated_at) ?? timeOf(entry.created_at),
    preface: firstText(entry.description),
    messages: [
      ...section("instructions", firstText(entry.prompt_template)),
      ...section("memory", toProse([entry.conversations_memory, entry.project_memories])),
      ...listOf(entry.docs)
        .filter(isObject)
        .flatMap((doc) =>
          section(
            firstText(doc.filename, doc.file_name, doc.name) ?? "document",
            firstText(doc.content, doc.text),
            doc,
          ),
        ),
    ],
  };
}
