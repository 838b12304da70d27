import { closeSync, openSync, writeSync } from "node:fs";
import { makeNotes, type Note } from "./notes-tree.ts";

/**
 * Writes `conversations.json` of a ChatGPT export of about so many bytes: each conversation is a note's passages, said in turn by the user and
 * the assistant, with a message that was sent again, and the metadata that real exports have around each message. Answers how many there are.
 */
export function writeChatExport(
  path: string,
  bytes: number,
): { readonly bytes: number; readonly conversations: number } {
  const file = openSync(path, "w");
  let [written, conversations] = [writeSync(file, "["), 0];
  try {
    for (const note of makeNotes(21, Number.MAX_SAFE_INTEGER)) {
      if (written >= bytes) break;
      const text = JSON.stringify(toConversation(note, conversations));
      written += writeSync(file, `${conversations++ === 0 ? "" : ", "}${text}`);
    }
    written += writeSync(file, "]");
  } finally {
    closeSync(file);
  }
  return { bytes: written, conversations };
}

function toConversation({ title, passages }: Note, number: number): object {
  const began = 1_700_000_000 + number * 600;
  const idOf = (place: number): string =>
    `${number.toString(16).padStart(8, "0")}-0000-4000-8000-${place.toString(16).padStart(12, "0")}`;
  const mapping: Record<string, object> = {};
  const root = idOf(0);
  // The second message was sent twice: its first wording is a branch without an answer.
  const branch = idOf(passages.length + 1);
  mapping[root] = { id: root, message: null, parent: null, children: [idOf(1)] };
  for (const [index, text] of passages.entries()) {
    const id = idOf(index + 1);
    const children = index + 1 < passages.length ? [idOf(index + 2)] : [];
    if (index === 1) children.unshift(branch);
    const role = index % 2 === 0 ? "user" : "assistant";
    mapping[id] = { id, message: toMessage(id, role, text, began + index), parent: idOf(index), children };
  }
  if (passages.length > 1)
    mapping[branch] = {
      id: branch,
      message: toMessage(branch, "user", title, began + 1),
      parent: idOf(2),
      children: [],
    };
  return {
    title,
    create_time: began,
    update_time: began + passages.length,
    mapping,
    moderation_results: [],
    current_node: idOf(passages.length),
    plugin_ids: null,
    conversation_id: root,
    gizmo_id: null,
    is_archived: false,
    safe_urls: [],
    default_model_slug: "gpt-4o",
    id: root,
  };
}

const toMessage = (id: string, role: string, text: string, time: number): object => ({
  id,
  author: { role, name: null, metadata: {} },
  create_time: time,
  update_time: null,
  content: { content_type: "text", parts: [text] },
  status: "finished_successfully",
  end_turn: role === "assistant" ? true : null,
  weight: 1,
  metadata: {
    ...(role === "assistant" && { model_slug: "gpt-4o", finish_details: { type: "stop", stop_tokens: [200_002] } }),
    request_id: id.slice(0, 8),
    timestamp_: "absolute",
    message_type: null,
  },
  recipient: "all",
  channel: null,
});
