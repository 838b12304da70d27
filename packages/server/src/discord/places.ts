import type { KeptChannel, MessageStore } from "../stores/message-store.ts";
import { toRaw } from "./message.ts";
import type { ChannelPlace } from "./place.ts";
import type { ListedChannel } from "./settings.ts";
import { isSnowflake } from "./snowflake.ts";

/** The channels that the owner listed, and the threads that are known in them. */
export interface Places {
  readonly listed: readonly ListedChannel[];
  /** Undefined for whatever is not the owner's to see here. */
  of(channel: unknown): ChannelPlace | undefined;
  threads(): readonly KeptChannel[];
  /** Takes a thread as Discord tells of it; false when it is in no listed channel. */
  addThread(value: unknown): boolean;
  /** Forgets a channel or thread with all that was kept of it. */
  drop(channel: string): void;
}

const mostThreads = 5_000;

export function createPlaces(store: MessageStore, listed: readonly ListedChannel[]): Places {
  const guilds = new Map(listed.map(({ channel, guild }) => [channel, guild]));
  const threads = new Map<string, KeptChannel>();
  for (const kept of store.channels()) {
    const guild = guilds.get(kept.parent === "" ? kept.id : kept.parent);
    // What the owner has taken from the list is kept no longer.
    if (guild !== kept.guild) store.dropChannel(kept.id);
    else if (kept.parent !== "") threads.set(kept.id, kept);
  }
  return {
    listed,
    of(channel) {
      if (!isSnowflake(channel)) return undefined;
      const guild = guilds.get(channel);
      if (guild !== undefined) return { guild, channel };
      const thread = threads.get(channel);
      return thread && { guild: thread.guild, channel: thread.parent, thread: channel };
    },
    threads: () => [...threads.values()],
    addThread(value) {
      const { id, parent_id: parent, name } = toRaw(value);
      const guild = isSnowflake(parent) ? guilds.get(parent) : undefined;
      if (guild === undefined || !isSnowflake(id) || guilds.has(id)) return false;
      if (!threads.has(id) && threads.size >= mostThreads) return false;
      const thread = { id, guild, parent: parent as string, name: nameOf(name) };
      if (threads.get(id)?.name === thread.name) return true;
      threads.set(id, thread);
      store.putChannel(thread);
      return true;
    },
    drop(channel) {
      threads.delete(channel);
      for (const thread of threads.values()) if (thread.parent === channel) threads.delete(thread.id);
      store.dropChannel(channel);
    },
  };
}

export const nameOf = (value: unknown): string => (typeof value === "string" ? value.slice(0, 100).toWellFormed() : "");
