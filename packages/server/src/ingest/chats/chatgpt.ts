import { showContent } from "./chatgpt-content.ts";
import { firstText, isObject, type Json, listOf, objectOf, stringOf } from "./json-text.ts";
import { orderTree, type TreeNode } from "./message-tree.ts";
import { timeOf } from "./moment.ts";
import { type Conversation, encodeText, type Message } from "./transcript.ts";

/** A node of a conversation's `mapping`. */
export interface ChatGptNode extends TreeNode {
  readonly children: readonly string[];
  /** Undefined when it shows nothing. */
  readonly message: Omit<Message, "shown"> | undefined;
}

/** Whether an entry of an export is a conversation of ChatGPT's. */
export const isChatGptConversation = (entry: Json): boolean =>
  isObject(entry.mapping) ||
  Array.isArray(entry.mapping) ||
  Array.isArray(entry.linear_conversation) ||
  (Array.isArray(entry.messages) && listOf(entry.messages).some((message) => isObject(objectOf(message).author)));

/** Reads a node of a conversation's `mapping`, which has the name when it is no list. */
export function readChatGptNode(name: string, value: unknown): ChatGptNode {
  const node = objectOf(value);
  const id = /^\d+$/.test(name) ? stringOf(node.id) || `#${name}` : name;
  const message = isObject(node.message) ? node.message : undefined;
  const children = listOf(node.children).filter((child) => typeof child === "string");
  const read = message === undefined ? undefined : readMessage(message, id);
  return {
    id,
    parent: stringOf(node.parent) || undefined,
    children,
    message: read,
    time: timeOf(message?.create_time),
  };
}

/** Puts a conversation of ChatGPT's export together: the branch that its page shows, then the others. */
export async function readChatGptConversation(
  entry: Json,
  mapped: readonly ChatGptNode[],
  pace: () => Promise<void> | undefined,
): Promise<Conversation> {
  const isMapped = Array.isArray(entry.mapping) || isObject(entry.mapping);
  const nodes = isMapped ? await joinNodes(mapped, pace) : readLine(entry);
  const custom = customName(entry);
  const messages: Message[] = [];
  for (const { node, shown } of await orderTree(nodes, stringOf(entry.current_node) || undefined, pace)) {
    if (node.message === undefined) continue;
    const { role, model } = node.message;
    const named = role === "assistant" && custom !== undefined;
    messages.push({ ...node.message, shown, model: named ? [custom, model].filter(Boolean).join(", ") : model });
    const pause = pace();
    if (pause !== undefined) await pause;
  }
  return {
    id: firstText(entry.conversation_id, entry.id),
    title: firstText(entry.title),
    time: timeOf(entry.update_time) ?? (messages.some(({ time }) => time) ? undefined : timeOf(entry.create_time)),
    messages,
  };
}

function readMessage(message: Json, node: string): Omit<Message, "shown"> | undefined {
  const author = objectOf(message.author);
  const metadata = objectOf(message.metadata);
  const role = firstText(author.role, message.role) ?? "unknown";
  // Instructions and other messages that the conversation's page never shows.
  if (role === "system" || metadata.is_visually_hidden_from_conversation === true) return undefined;
  const text = encodeText(showContent(message));
  if (text.length === 0) return undefined;
  return {
    id: `chatgpt:${firstText(message.id) ?? node}`,
    role,
    model: role === "assistant" ? firstText(metadata.model_slug) : firstText(author.name),
    time: timeOf(message.create_time),
    text,
  };
}

/** The name of the custom GPT that the conversation is held with; its id says nothing to a reader. */
function customName(entry: Json): string | undefined {
  const gizmo = objectOf(entry.gizmo);
  const display = objectOf(gizmo.display);
  return firstText(entry.gizmo_name, entry.gpt_name, gizmo.name, display.name, entry.conversation_template_name);
}

/** Messages that are listed without a tree. */
function readLine(entry: Json): readonly ChatGptNode[] {
  const list = Array.isArray(entry.linear_conversation) ? entry.linear_conversation : listOf(entry.messages);
  return list.map((item, index) => {
    const message = objectOf(objectOf(item).message ?? item);
    const node = readChatGptNode(`#${index}`, { message });
    return { ...node, parent: index === 0 ? undefined : `#${index - 1}` };
  });
}

/** Nodes with their parents: where a node's own word on that is lost, it may still stand among another's children. */
async function joinNodes(
  nodes: readonly ChatGptNode[],
  pace: () => Promise<void> | undefined,
): Promise<readonly ChatGptNode[]> {
  const known = new Set(nodes.map(({ id }) => id));
  const listed = new Map<string, { readonly parent: string; readonly rank: number }>();
  for (const { id, children } of nodes) {
    for (const [rank, child] of children.entries()) if (!listed.has(child)) listed.set(child, { parent: id, rank });
    const pause = pace();
    if (pause !== undefined) await pause;
  }
  const joined: ChatGptNode[] = [];
  for (const node of nodes) {
    const place = listed.get(node.id);
    const own = node.parent !== undefined && known.has(node.parent) ? node.parent : undefined;
    joined.push({ ...node, parent: own ?? place?.parent, rank: place?.rank });
    const pause = pace();
    if (pause !== undefined) await pause;
  }
  return joined;
}
