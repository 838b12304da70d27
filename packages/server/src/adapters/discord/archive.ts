import { CallError, type Resource, toUri } from "@portcullis/contracts";
import type { DiscordLink } from "../../discord/discord-link.ts";
import {
  type ChannelPlace,
  everything,
  type MessagePlace,
  toCollection,
  toLink,
  toResource,
} from "../../discord/place.ts";
import { isSnowflake, snowflakeAt, timeOf } from "../../discord/snowflake.ts";
import type { KeptMessage, MessageQuery } from "../../stores/message-store.ts";
import type { Message } from "./schemas.ts";

/** Where a kept message is. */
export const placeOf = ({ id, guild, channel, thread }: KeptMessage): MessagePlace => ({
  ...{ guild, channel, message: id },
  ...(thread !== "" && { thread }),
});

/** Where a channel or a known thread is; undefined for one that the owner has not listed. */
export function findChannel(link: DiscordLink, id: string): ChannelPlace | undefined {
  const listed = link.channels.find(({ channel }) => channel === id);
  if (listed) return { guild: listed.guild, channel: id };
  const thread = link
    .store()
    .channels()
    .find((one) => one.id === id && one.parent !== "");
  const parent = thread && link.channels.find(({ channel }) => channel === thread.parent);
  return thread && parent ? { guild: parent.guild, channel: thread.parent, thread: id } : undefined;
}

/** What a question about a channel touches; all that is kept when it is none of the owner's, which is then refused alike. */
export function toAsked(link: DiscordLink, channel: string | undefined): Resource {
  const place = channel === undefined ? undefined : findChannel(link, channel);
  return place ? toCollection(place) : everything;
}

export const unknownChannel = (id: string): CallError =>
  new CallError("NOT_FOUND", `No channel ${id} is open here.`, {
    details: {
      channel: id,
      next: "Leave channel out to look in all of them; the owner lists them under discord.channels.",
    },
  });

/** Names of channels and threads, by their ids. */
export const namesOf = (link: DiscordLink): ReadonlyMap<string, string> =>
  new Map(
    link
      .store()
      .channels()
      .map(({ id, name }) => [id, name]),
  );

/** A message as callers are shown it. */
export function toMessage(kept: KeptMessage, names: ReadonlyMap<string, string>): Message {
  const { id, guild, channel, thread, text, replyTo, attachments } = kept;
  const place = placeOf(kept);
  return {
    ...{ id, uri: toUri(toResource(place)), url: toLink(place), guild, channel },
    ...(names.get(channel) && { channelName: names.get(channel) as string }),
    ...(thread !== "" && { thread, ...(names.get(thread) && { threadName: names.get(thread) as string }) }),
    at: new Date(timeOf(id)).toISOString(),
    ...(kept.editedAt > 0 && { editedAt: new Date(kept.editedAt).toISOString() }),
    author: { id: kept.authorId, name: kept.author, ...(kept.bot && { bot: true as const }) },
    text,
    ...(kept.truncated && { truncated: true as const }),
    ...(replyTo !== "" && { replyTo }),
    ...(attachments.length > 0 && { attachments: attachments.map((one) => ({ ...one })) }),
  };
}

/** What policy judges of a shown message. */
export const resourceOf = ({ id, guild, channel, thread }: Message): Resource =>
  toResource({ guild, channel, message: id, ...(thread !== undefined && { thread }) });

/** The words and quoted phrases of a query. */
export const toWords = (query: string): readonly string[] =>
  [...query.matchAll(/"([^"]*)"|[\p{L}\p{N}\p{M}_]+/gu)]
    .map(([all, phrase]) => phrase ?? all)
    .filter((word) => /[\p{L}\p{N}]/u.test(word))
    .slice(0, 32);

export interface Scan {
  readonly found: readonly KeptMessage[];
  /** A time before which there may be more. */
  readonly next?: number;
}

const rowsAtOnce = 50;
const mostRows = 20_000;

/** The newest messages that a caller may see. It looks at a bounded number, a few at a time, and lets others have their turn in between. */
export async function scan(
  link: DiscordLink,
  query: Omit<MessageQuery, "limit">,
  asked: {
    readonly limit: number;
    readonly maxBytes: number;
    readonly allows: (resource: Resource) => boolean;
    readonly signal: AbortSignal;
  },
): Promise<Scan> {
  const listed = new Set(link.channels.map(({ guild, channel }) => `${guild} ${channel}`));
  const found: KeptMessage[] = [];
  let { before } = query;
  let bytes = 0;
  for (let rows = 0; rows < mostRows; rows += rowsAtOnce) {
    asked.signal.throwIfAborted();
    const page = link.store().search({ ...query, ...(before !== undefined && { before }), limit: rowsAtOnce });
    for (const kept of page) {
      if (!listed.has(`${kept.guild} ${kept.channel}`) || !asked.allows(toResource(placeOf(kept)))) continue;
      bytes += Buffer.byteLength(kept.text);
      if (found.length === asked.limit || (bytes > asked.maxBytes && found.length > 0))
        return { found, next: next(found.at(-1)) };
      found.push(kept);
    }
    before = page.at(-1)?.id;
    if (page.length < rowsAtOnce || before === undefined) return { found };
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { found, next: next({ id: before ?? "1" }) };
}

/** A time, and not an id: that could be of a message which is hidden. What was written in the same millisecond is given once more. */
const next = (last: Pick<KeptMessage, "id"> | undefined): number => (last ? timeOf(last.id) + 1 : 0);

/** The first id at a time that a caller wrote. */
export function toFirstId(text: string | undefined, name: string): string | undefined {
  if (text === undefined) return undefined;
  const time = Date.parse(text);
  if (Number.isNaN(time)) {
    throw new CallError("VALIDATION_ERROR", `${name} is no time.`, {
      details: { at: `args.${name}`, next: "Write it as 2026-11-23 or 2026-11-23T08:00:00Z." },
    });
  }
  const id = snowflakeAt(time);
  return id !== undefined && isSnowflake(id) ? id : time < Date.now() ? "1" : "9223372036854775807";
}
