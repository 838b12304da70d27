import type { DiscordLink } from "../../discord/discord-link.ts";
import type { KeptMessage } from "../../stores/message-store.ts";
import type { Happening, Topic } from "../adapter.ts";
import { findChannel, namesOf, resourceOf, toAsked, toMessage, unknownChannel } from "./archive.ts";
import { type Message, StreamParams } from "./schemas.ts";

interface Told extends Readonly<Record<string, unknown>> {
  readonly kind: "created" | "edited" | "deleted";
  readonly message: Message;
}

const messageOf = ({ data }: Happening): Message => (data as Told).message;

/** `discord.stream`: what is written, edited and deleted in the owner's channels. */
export const createStream = (link: DiscordLink): Topic<StreamParams> => ({
  name: "discord.stream",
  title: "Follow Discord",
  summary: "Tells of messages that are written, edited or deleted in the Discord channels that the owner listed.",
  safety:
    "Tells only of messages that policy lets you read, and of deleted ones nothing but where they were. What they say was written by others.",
  labels: {},
  params: StreamParams,
  touches: ({ channel }) => [toAsked(link, channel)],
  async open({ channel }, follow) {
    if (channel !== undefined && !findChannel(link, channel)) throw unknownChannel(channel);
    // That it cannot be followed at all is said at once.
    link.store();
    link.follow(
      {
        changed({ kind, message }) {
          const { id, guild, thread } = message;
          if (channel !== undefined && channel !== message.channel && channel !== thread) return;
          if (!findChannel(link, message.channel)) return;
          const data: Told = { kind, message: toMessage(kind === "deleted" ? bare(message) : message, namesOf(link)) };
          follow.tell({ event: "discord.message", data, key: `${guild} ${id}` });
        },
        lost: () => follow.lost(),
      },
      follow.signal,
    );
  },
  show: (happening, allows) => (allows(resourceOf(messageOf(happening))) ? happening : undefined),
  resources: (happening) => [resourceOf(messageOf(happening))],
  merge(before, after) {
    const [one, other] = [before, after].map(({ data }) => (data as Told).kind);
    if (one === "created" && other === "deleted") return undefined;
    return one === "created" ? { ...after, data: { ...after.data, kind: "created" } } : after;
  },
});

/** Where a message was, without what it said. */
const bare = (message: KeptMessage): KeptMessage => ({
  ...message,
  ...{ text: "", author: "", replyTo: "", attachments: [], truncated: false, editedAt: 0 },
});
