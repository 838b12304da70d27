import type { DiscordLink } from "../../discord/discord-link.ts";
import type { Adapter } from "../adapter.ts";
import { createFetchMessage } from "./fetch-message.ts";
import { createSearch } from "./search.ts";
import { createStream } from "./stream.ts";

/** Discord's channels as far as the owner listed them: `discord.search`, `discord.fetchMessage`, and the topic `discord.stream`. Reads only. */
export function createDiscordAdapter({ link }: { readonly link: DiscordLink }): Adapter {
  const tools = [createSearch(link), createFetchMessage(link)];
  const topics = [createStream(link)];
  return {
    name: "discord",
    tools: () => tools,
    topics: () => topics,
    async start() {
      link.start();
    },
    stop: () => link.stop(),
  };
}
