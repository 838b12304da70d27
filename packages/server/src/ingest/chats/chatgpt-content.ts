import { cleanCitations } from "./citations.ts";
import {
  fenced,
  firstText,
  isObject,
  type Json,
  listOf,
  objectOf,
  parseObject,
  stringOf,
  toProse,
} from "./json-text.ts";

/** The text of a ChatGPT message in Markdown; of a form that is not known, whatever text it holds. Empty when there is nothing to show. */
export function showContent(message: Json): string {
  const content: unknown = message.content ?? message.text;
  const metadata = objectOf(message.metadata);
  const body =
    typeof content === "string" ? content : isObject(content) ? show(content, message) : showParts(listOf(content));
  return [cleanCitations(body, citedAs(metadata)).trim(), showAttachments(metadata)]
    .filter((text) => text !== "")
    .join("\n\n");
}

function show(content: Json, message: Json): string {
  const shown = showKnown(content, message).trim();
  return shown === "" ? toProse(content) : shown;
}

function showKnown(content: Json, message: Json): string {
  const text = stringOf(content.text);
  const recipient = stringOf(message.recipient);
  switch (content.content_type) {
    case "text":
    case "multimodal_text":
    case undefined:
      return showParts(listOf(content.parts), recipient) || (text === "" ? "" : showCall(text, recipient) || text);
    case "code":
      return showCall(text, recipient) || (text.trim() === "" ? "" : fenced(text, stringOf(content.language)));
    case "execution_output":
      return text.trim() === "" ? "" : fenced(text);
    case "tether_quote":
    case "sonic_webpage":
      return [showLink(content.title ?? content.domain, content.url), firstText(text, content.snippet)]
        .filter(Boolean)
        .join("\n\n");
    case "tether_browsing_display": {
      const cited = listOf(objectOf(objectOf(message.metadata)._cite_metadata).metadata_list).map(objectOf);
      const links = cited.map(({ title, url }) => `- ${showLink(title, url)}`).filter((link) => link !== "- ");
      return [firstText(content.summary), firstText(content.result), links.join("\n")].filter(Boolean).join("\n\n");
    }
    case "thoughts":
      return listOf(content.thoughts).map(showThought).filter(Boolean).join("\n\n");
    default:
      return "";
  }
}

function showParts(parts: readonly unknown[], recipient = ""): string {
  return parts
    .map((part) =>
      typeof part === "string" ? showCall(part, recipient) || part : isObject(part) ? showPart(part) : toProse(part),
    )
    .filter((text) => text.trim() !== "")
    .join("\n\n");
}

function showPart(part: Json): string {
  const metadata = objectOf(part.metadata);
  switch (part.content_type) {
    case "image_asset_pointer": {
      const prompt = firstText(
        objectOf(metadata.dalle).prompt,
        objectOf(metadata.generation).prompt,
        part.alt_text,
        part.caption,
      );
      return prompt === undefined ? "[image]" : `[image: ${prompt}]`;
    }
    case "audio_asset_pointer":
    case "real_time_user_audio_video_asset_pointer": {
      const said = firstText(
        part.transcription,
        metadata.word_transcription,
        metadata.transcription,
        objectOf(objectOf(part.audio_asset_pointer).metadata).word_transcription,
      );
      return said ?? "[audio]";
    }
    case "audio_transcription":
      return stringOf(part.text);
    case "video_container_asset_pointer":
    case "video_asset_pointer":
      return "[video]";
    default:
      return toProse(part);
  }
}

function showThought(thought: unknown): string {
  if (!isObject(thought)) return toProse(thought);
  const summary = firstText(thought.summary);
  const content = firstText(thought.content) ?? (toProse(thought.chunks) || undefined);
  return [summary && `**${summary}**`, content].filter(Boolean).join("\n\n");
}

/** What a message to a tool asks of it, when it is written in JSON: a canvas document as the text that it is, else its fields. */
function showCall(text: string, recipient: string): string {
  if (recipient === "" || recipient === "all") return "";
  const call = parseObject(text);
  if (!isObject(call)) return call === undefined ? "" : toProse(call);
  if (!recipient.startsWith("canmore")) return toProse(call);
  const name = firstText(call.name, call.title);
  const kind = stringOf(call.type);
  const content = stringOf(call.content);
  const shown = kind.startsWith("code/") && content !== "" ? fenced(content, kind.slice("code/".length)) : content;
  const changes = listOf(call.updates).concat(listOf(call.comments)).map(objectOf);
  const changed = changes.map((change) => firstText(change.replacement, change.comment) ?? "");
  const title = name === undefined ? "" : `**Canvas: ${name}**`;
  return [title, shown, ...changed].filter((part) => part.trim() !== "").join("\n\n") || toProse(call);
}

function showLink(title: unknown, url: unknown): string {
  const [name, address] = [firstText(title), firstText(url)];
  if (address === undefined) return name ?? "";
  return `[${(name ?? address).replace(/[[\]]/g, " ")}](${address})`;
}

function showAttachments(metadata: Json): string {
  const names = listOf(metadata.attachments).map((file) => firstText(objectOf(file).name, objectOf(file).file_name));
  const known = names.filter((name) => name !== undefined);
  return known.length === 0 ? "" : `Attached: ${known.join(", ")}`;
}

/** What the page wrote in place of a marker. */
function citedAs(metadata: Json): ReadonlyMap<string, string> {
  const shown = new Map<string, string>();
  for (const reference of listOf(metadata.content_references).map(objectOf)) {
    const matched = stringOf(reference.matched_text);
    if (matched.startsWith("\ue200") && typeof reference.alt === "string") shown.set(matched, reference.alt);
  }
  return shown;
}
