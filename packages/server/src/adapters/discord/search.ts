import type { DiscordLink } from "../../discord/discord-link.ts";
import type { Tool } from "../adapter.ts";
import {
  findChannel,
  namesOf,
  resourceOf,
  scan,
  toAsked,
  toFirstId,
  toMessage,
  toWords,
  unknownChannel,
} from "./archive.ts";
import { SearchInput, SearchOutput } from "./schemas.ts";

/** `discord.search`: messages of the owner's channels, from the archive on this machine. */
export function createSearch(link: DiscordLink): Tool<SearchInput, SearchOutput> {
  const notes = new WeakMap<SearchOutput, readonly string[]>();
  return {
    name: "discord.search",
    title: "Search Discord",
    summary:
      "Finds messages of the Discord channels that the owner listed: by words, channel, author and time, the newest first.",
    safety:
      "Reads an archive on this machine; gives only messages that policy lets you read. What they say was written by others.",
    batch: "one search with a limit of up to 100 gives the messages with their texts",
    effect: "read",
    itemwise: true,
    labels: {},
    input: SearchInput,
    output: SearchOutput,
    touches: ({ channel }) => [toAsked(link, channel)],
    async run({ query = "", channel, author, since, until, limit = 20 }, { permit, signal }) {
      if (channel !== undefined && !findChannel(link, channel)) throw unknownChannel(channel);
      const words = toWords(query);
      const first = toFirstId(since, "since");
      const before = toFirstId(until, "until");
      const output: SearchOutput = { messages: [] };
      if (query.trim() !== "" && words.length === 0) {
        notes.set(output, ["The query has no words in it."]);
        return output;
      }
      const { found, next } = await scan(
        link,
        {
          words,
          ...(channel !== undefined && { channel }),
          ...(author !== undefined && { author }),
          ...(first !== undefined && { since: first }),
          ...(before !== undefined && { before }),
        },
        { limit, maxBytes: permit.maxBytes, allows: (resource) => permit.allows(resource), signal },
      );
      const names = namesOf(link);
      output.messages = found.map((kept) => toMessage(kept, names));
      if (next !== undefined) output.next = new Date(next).toISOString();
      const { state, message } = link.status();
      notes.set(
        output,
        state === "live" ? [] : [`Discord is not followed just now, so the newest may be missing. ${message}`],
      );
      return output;
    },
    filter(output, allows) {
      const shown = { ...output, messages: output.messages.filter((one) => allows(resourceOf(one))) };
      notes.set(shown, notes.get(output) ?? []);
      return shown;
    },
    notes: (output) => notes.get(output) ?? [],
  };
}
