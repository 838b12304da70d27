import { fenced, firstText, isObject, type Json, listOf, objectOf, stringOf, toProse } from "./json-text.ts";

/** The text of a Claude message in Markdown: its blocks, the files' text that it carries, and of an unknown form whatever text it holds. */
export function showClaudeMessage(message: Json): string {
  const blocks = blocksOf(message.content);
  const shown = blocks.map(showBlock).filter((text) => text !== "");
  const spoken = blocks.some((block) => isObject(block) && firstText(block.text) !== undefined);
  const text = firstText(message.text);
  // Older exports have the text alone; newer ones repeat the blocks in it.
  const body = spoken || text === undefined ? shown : [text, ...shown.filter((block) => block !== text)];
  return [...body, ...showFiles(message)].join("\n\n");
}

function blocksOf(content: unknown): readonly unknown[] {
  if (Array.isArray(content)) return content;
  if (typeof content === "string") return [{ type: "text", text: content }];
  if (!isObject(content)) return [];
  // A message within the message: it says the role once more.
  return content.content === undefined ? [content] : blocksOf(content.content);
}

function showBlock(block: unknown): string {
  if (typeof block === "string") return block.trim();
  if (!isObject(block)) return "";
  switch (block.type) {
    case "text":
      return stringOf(block.text).trim() || (block.text === undefined ? toProse(block) : "");
    case "thinking":
      return firstText(block.thinking, block.text) ?? (block.thinking === undefined ? toProse(block.summaries) : "");
    case "tool_use":
    case "server_tool_use":
      return showToolUse(block);
    case "tool_result":
      return showToolResult(block);
    case "voice_note":
      return [firstText(block.title), firstText(block.text)].filter(Boolean).join("\n\n");
    case "image":
      return "[image]";
    case "token_budget":
    case "flag":
    case "redacted_thinking":
      return "";
    default:
      return toProse(block);
  }
}

function showToolUse(block: Json): string {
  const { input } = block;
  const name = firstText(block.name) ?? "a tool";
  const fields = objectOf(input);
  const content = stringOf(fields.content);
  // An artifact is the document that it holds, not the call that made it.
  if (name === "artifacts" && content !== "") {
    const title = firstText(fields.title, fields.id) ?? "untitled";
    const isCode = stringOf(fields.type).endsWith(".code");
    return `**Artifact: ${title}**\n\n${isCode ? fenced(content, stringOf(fields.language)) : content.trim()}`;
  }
  return [`**${name}**`, toProse(input)].filter((text) => text !== "").join("\n\n");
}

function showToolResult(block: Json): string {
  const content = listOf(block.content ?? []).map((part) =>
    isObject(part) && part.type !== "text" ? showBlock(part) : toProse(part),
  );
  const text =
    typeof block.content === "string" ? block.content.trim() : content.filter((part) => part !== "").join("\n\n");
  if (text === "" || text === "OK") return "";
  return text.includes("\n") ? fenced(text) : text;
}

/** Files that came with the message: their names, and their text where the export has it. */
function showFiles(message: Json): readonly string[] {
  const files = [message.attachments, message.files, message.files_v2, message.generated_files]
    .flatMap(listOf)
    .map(objectOf);
  const seen = new Set<string>();
  return files.flatMap((file) => {
    const name = firstText(file.file_name, file.filename, file.name) ?? "file";
    const content = firstText(file.extracted_content, file.content, file.text);
    if (seen.has(name) && content === undefined) return [];
    seen.add(name);
    return [content === undefined ? `Attached: ${name}` : `Attached: ${name}\n\n${content}`];
  });
}
