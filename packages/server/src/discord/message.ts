import type { KeptAttachment, KeptMessage } from "../stores/message-store.ts";
import type { ChannelPlace } from "./place.ts";
import { isSnowflake } from "./snowflake.ts";

/** Discord's own limit is 4,000 characters; whoever sends more is cut off here. */
const mostText = 65_536;
const mostName = 256;
const mostAttachments = 32;

export type Raw = Readonly<Record<string, unknown>>;

export const toRaw = (value: unknown): Raw =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Raw) : {};

/**
 * What the archive keeps of a message as the API or the gateway gives it; undefined when that is none. Of an edit that does not tell all, the rest is
 * as it was `before`.
 */
export function toKeptMessage(value: unknown, place: ChannelPlace, before?: KeptMessage): KeptMessage | undefined {
  const raw = toRaw(value);
  const { id, content } = raw;
  const author = toRaw(raw.author);
  if (!isSnowflake(id) || (before === undefined && (typeof content !== "string" || !isSnowflake(author.id))))
    return undefined;
  const text = typeof content === "string" ? content.slice(0, mostText).toWellFormed() : (before?.text ?? "");
  const { message_id: replyTo } = toRaw(raw.message_reference);
  const who = isSnowflake(author.id)
    ? { authorId: author.id, author: shorten(author.global_name) || shorten(author.username), bot: author.bot === true }
    : { authorId: before?.authorId ?? "", author: before?.author ?? "", bot: before?.bot ?? false };
  return {
    ...{ id, guild: place.guild, channel: place.channel, thread: place.thread ?? "" },
    ...who,
    ...{ text, truncated: typeof content === "string" ? content.length > mostText : (before?.truncated ?? false) },
    replyTo: isSnowflake(replyTo) ? replyTo : (before?.replyTo ?? ""),
    attachments: Array.isArray(raw.attachments) ? toAttachments(raw.attachments) : (before?.attachments ?? []),
    editedAt: toTime(raw.edited_timestamp) ?? before?.editedAt ?? 0,
  };
}

const shorten = (value: unknown): string => (typeof value === "string" ? value.slice(0, mostName).toWellFormed() : "");

const toAttachments = (list: readonly unknown[]): readonly KeptAttachment[] =>
  list.slice(0, mostAttachments).map((one) => {
    const { filename, content_type: type, size } = toRaw(one);
    return {
      name: shorten(filename),
      contentType: shorten(type),
      bytes: Number.isSafeInteger(size) ? Number(size) : 0,
    };
  });

function toTime(value: unknown): number | undefined {
  const time = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isFinite(time) ? time : undefined;
}
