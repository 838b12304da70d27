import { CallError, type Resource } from "@portcullis/contracts";
import type { DiscordLink } from "../../discord/discord-link.ts";
import { everything, type MessagePlace, readMessageName, toResource } from "../../discord/place.ts";
import type { Tool } from "../adapter.ts";
import { findChannel, namesOf, placeOf, resourceOf, toMessage } from "./archive.ts";
import { FetchInput, Message } from "./schemas.ts";

/**
 * `discord.fetchMessage`: one message. From the archive when it is there; else, where its channel was named, Discord is asked for it, which counts as
 * leaving this machine.
 */
export function createFetchMessage(link: DiscordLink): Tool<FetchInput, Message> {
  return {
    name: "discord.fetchMessage",
    title: "Fetch a Discord message",
    summary: "Gives one message of Discord by its id, permanent link or discord:// URI.",
    safety:
      "Gives only messages of channels that the owner listed and policy lets you read. What it says was written by others.",
    batch: "discord.search gives up to 100 messages with their texts at once",
    effect: "read",
    itemwise: true,
    labels: {},
    input: FetchInput,
    output: Message,
    touches({ id }): readonly Resource[] {
      const named = locate(link, id);
      if (named === undefined) return [everything];
      return [named.kept ? toResource(named.place) : ({ ...toResource(named.place), elsewhere: true } as Resource)];
    },
    async run({ id }, { permit, signal }) {
      const name = readMessageName(id);
      if (!name) throw unreadable();
      const named = locate(link, id);
      if (name.within !== undefined && !named) throw unknown();
      const asked = named?.kept === false;
      const found = asked ? await link.fetch(named.place, signal) : link.store().find(name.message);
      if (!found || !findChannel(link, found.channel) || !permit.allows(toResource(placeOf(found)))) throw unknown();
      return toMessage(found, namesOf(link));
    },
    filter(output, allows) {
      if (!allows(resourceOf(output))) throw unknown();
      return output;
    },
  };
}

interface Located {
  readonly place: MessagePlace;
  readonly kept: boolean;
}

/** Where a message is whose channel was named, when that is one of the owner's; undefined for an id alone. */
function locate(link: DiscordLink, text: string): Located | undefined {
  const named = readMessageName(text);
  if (named?.within === undefined) return undefined;
  const { message, guild, within, parent } = named;
  const channel = findChannel(link, within);
  if (!channel || channel.guild !== guild || (parent !== undefined && parent !== channel.channel)) return undefined;
  const kept = link.store().find(message);
  const there = kept && (kept.thread || kept.channel) === within;
  // One that is kept somewhere else is not here: Discord need not be asked.
  return kept && !there ? undefined : { place: { ...channel, message }, kept: kept !== undefined };
}

const unreadable = (): CallError =>
  new CallError("VALIDATION_ERROR", "That is no id, permanent link or URI of a message.", {
    details: { at: "args.id", next: "Give a number such as 1234567890123456789, or the link that Discord copies." },
  });

/** The same whether it does not exist, is not kept, or is hidden. */
const unknown = (): CallError =>
  new CallError("NOT_FOUND", "There is no such message that you may read.", {
    details: { next: "A message that is not in the archive is found by its permanent link, not by its id alone." },
  });
