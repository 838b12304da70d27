import { createPace } from "../../search/pace.ts";
import type { ReadDocument } from "../document.ts";
import { type ChatGptNode, isChatGptConversation, readChatGptConversation, readChatGptNode } from "./chatgpt.ts";
import {
  type ClaudeNode,
  isClaudeConversation,
  isClaudeProject,
  readClaudeConversation,
  readClaudeNode,
  readClaudeProject,
} from "./claude.ts";
import { createElementCutter, type JsonElement } from "./json-elements.ts";
import { isObject, type Json } from "./json-text.ts";
import { parseConversation } from "./parse-conversation.ts";
import { createSessionGatherer, isSessionLine } from "./session-lines.ts";
import { type Conversation, writeTranscript } from "./transcript.ts";

export type ChatExportKind = "chatgpt" | "claude";

/** A conversation of an export, or why what stands at a byte of the file is none. */
export type ExportEntry = { readonly document: ReadDocument } | { readonly skipped: string; readonly at: number };

/** A conversation is held whole while it is read, so that one may not be longer than this. */
const mostBytes = 32 << 20;
/** Pieces of the file between which others get their turn. */
const stride = 1 << 20;
/** So many entries are told of one by one; of the others, how many they are. */
const mostSkipped = 100;

const archive = /^conversations(-\d+)?(\s*\(\d+\))?\.jsonl?$/i;
/** What lies beside the conversations in the archives, and is none. */
const beside =
  /^(shared_conversations|conversation_asset_file_names|message_feedback|model_comparisons|library_files|export_manifest|user|users|user_settings|group_chats|shopping|sora)\.json$/i;

/** Which export a file is a part of, by its name and its first 64 KB; undefined when of none. */
export function isChatExport(path: string, head: Buffer): ChatExportKind | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (!/\.jsonl?$/i.test(name) || beside.test(name)) return undefined;
  const text = head
    .subarray(0, 64 << 10)
    .toString("utf8")
    .replace(/^\uFEFF/, "")
    .trimStart();
  if (!/^[[{]/.test(text)) return undefined;
  const has = (key: string): boolean => text.includes(`"${key}"`);
  const named = archive.test(name);
  if (has("chat_messages") && (named || has("sender") || has("uuid"))) return "claude";
  if (/"mapping"\s*:\s*[{[]/.test(text) && (named || has("current_node") || (has("author") && has("message"))))
    return "chatgpt";
  if (has("uuid") && has("prompt_template") && has("docs")) return "claude";
  if (has("conversations_memory")) return "claude";
  if (/\.jsonl$/i.test(name) && has("type") && has("sessionId") && (has("uuid") || has("summary") || has("parentUuid")))
    return "claude";
  if (/\.jsonl$/i.test(name) && has("sender") && has("uuid") && has("text")) return "claude";
  if (!named) return undefined;
  // What stands before the key that would tell (a long summary) may fill the whole head; other programs name their files like this too.
  if (/^\[?\s*\{\s*"uuid"\s*:\s*"[^"]*"\s*,\s*"name"\s*:/.test(text)) return "claude";
  return has("title") && has("create_time") ? "chatgpt" : undefined;
}

/**
 * Reads an export piece by piece, and gives each conversation as it is complete. What cannot be read is told with the place where it stands,
 * and the rest of the file is read nevertheless. A piece may be used anew once the next one is asked for.
 */
export async function* readChatExport(
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
  kind: ChatExportKind,
  most = mostBytes,
): AsyncGenerator<ExportEntry> {
  const pace = createPace();
  const cutter = createElementCutter(most);
  const session = createSessionGatherer();
  const names = new Map<string, number>();
  let given = 0;
  let skipped = 0;

  const write = async (conversation: Conversation): Promise<ExportEntry> => {
    const document = await writeTranscript(conversation, pace);
    given++;
    const times = (names.get(document.part) ?? 0) + 1;
    names.set(document.part, times);
    return { document: times === 1 ? document : { ...document, part: `${document.part}~${times}` } };
  };
  const skip = (reason: string, at: number): ExportEntry | undefined =>
    ++skipped <= mostSkipped ? { skipped: reason, at } : undefined;

  async function* take(element: JsonElement): AsyncGenerator<ExportEntry | undefined> {
    if (element.kind === "skipped") return yield skip(element.reason, element.at);
    const nodes: ChatGptNode[] = [];
    const listed: ClaudeNode[] = [];
    let entry: unknown;
    try {
      entry = await parseConversation(element.bytes, pace, {
        mapping: (name, value) => nodes.push(readChatGptNode(name, value)),
        chat_messages: (place, value) => listed.push(readClaudeNode(place, value)),
      });
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return yield skip("an entry that is no well-formed JSON", element.at);
    }
    if (!isObject(entry)) return yield skip("an entry that is no conversation", element.at);
    const conversation = await readEntry(entry, kind, nodes, listed, pace);
    if (conversation !== undefined) yield await write(conversation);
    else if (isSessionLine(entry)) {
      const before = session.add(entry);
      if (before !== undefined) yield await write(before);
    } else yield skip("an entry that is no conversation", element.at);
  }

  let length = 0;
  for await (const chunk of chunks) {
    for (let from = 0; from < chunk.length; from += stride) {
      for (const element of cutter.push(chunk.subarray(from, from + stride))) {
        for await (const entry of take(element)) if (entry !== undefined) yield entry;
        await pace();
      }
      await pace();
    }
    length += chunk.length;
  }
  for (const element of cutter.end()) for await (const entry of take(element)) if (entry !== undefined) yield entry;
  const last = session.take();
  if (last !== undefined) yield await write(last);
  if (skipped > mostSkipped)
    yield { skipped: `${skipped - mostSkipped} more entries that could not be read`, at: length };
  else if (given === 0 && skipped === 0 && length === 0) yield { skipped: "an empty file", at: 0 };
}

/** An entry as the conversation that its own form says it is; `kind` decides where that says nothing. */
async function readEntry(
  entry: Json,
  kind: ChatExportKind,
  nodes: readonly ChatGptNode[],
  listed: readonly ClaudeNode[],
  pace: () => Promise<void> | undefined,
): Promise<Conversation | undefined> {
  if (Array.isArray(entry.chat_messages)) return readClaudeConversation(entry, listed, pace);
  if (kind === "claude" && isClaudeProject(entry)) return readClaudeProject(entry);
  if (isChatGptConversation(entry)) return readChatGptConversation(entry, nodes, pace);
  return isClaudeConversation(entry) ? readClaudeConversation(entry, listed, pace) : undefined;
}
