import type { Resource } from "@portcullis/contracts";
import { isSnowflake } from "./snowflake.ts";

/** Where a channel or thread is. */
export interface ChannelPlace {
  readonly guild: string;
  readonly channel: string;
  /** The thread of `channel`, in which the messages are. */
  readonly thread?: string;
}

/** Where a message is. */
export interface MessagePlace extends ChannelPlace {
  readonly message: string;
}

/** What policy judges for a message: a thread's messages lie in its channel, so that what hides a channel hides them too. */
export const toResource = ({ guild, channel, thread, message }: MessagePlace): Resource => ({
  ...{ kind: "discord", guild, channel, message },
  ...(thread !== undefined && { thread }),
});

export const toCollection = ({ guild, channel, thread }: ChannelPlace): Resource => ({
  ...{ kind: "discord", guild, channel, collection: true },
  ...(thread !== undefined && { thread }),
});

/** All that is kept of Discord; its items are judged one by one. */
export const everything: Resource = { kind: "discord", collection: true };

/** The permanent link, where Discord's own clients open a message. */
export const toLink = ({ guild, channel, thread, message }: MessagePlace): string =>
  `https://discord.com/channels/${guild}/${thread ?? channel}/${message}`;

/** A message as someone names it: with where it is, by `within` which is a channel or a thread, or by its id alone. */
export interface NamedMessage {
  readonly message: string;
  readonly guild?: string;
  /** The channel, for a URI with a thread in it. */
  readonly parent?: string;
  /** The channel or thread. */
  readonly within?: string;
}

const link = /^https:\/\/(?:(?:ptb|canary)\.)?discord(?:app)?\.com\/channels\/(\d+)\/(\d+)\/(\d+)\/?$/;
const uri = /^discord:\/\/(\d+)\/(\d+)(?:\/(\d+))?\/(\d+)$/;

/** Reads an id, a permanent link or a `discord://` URI; undefined for anything else. */
export function readMessageName(text: string): NamedMessage | undefined {
  if (isSnowflake(text)) return { message: text };
  const [, guild, channel, inner, message] =
    uri.exec(text) ?? (([all, ...ids]) => [all, ids[0], ids[1], undefined, ids[2]])(link.exec(text) ?? []);
  if (![guild, channel, message].every(isSnowflake) || (inner !== undefined && !isSnowflake(inner))) return undefined;
  const named = { message: message as string, guild: guild as string, within: (inner ?? channel) as string };
  return inner === undefined ? named : { ...named, parent: channel as string };
}
