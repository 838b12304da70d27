import type { DiscordLink } from "../../discord/discord-link.ts";
import { type MessagePlace, toLink, toResource } from "../../discord/place.ts";
import { isSnowflake } from "../../discord/snowflake.ts";
import { fromDocumentId, toDocumentId, unknownDocument } from "../../search/document-id.ts";
import type { KeptMessage } from "../../stores/message-store.ts";
import type { SearchSource } from "../search-source.ts";
import { findChannel, namesOf, placeOf, scan, toMessage, toWords } from "./archive.ts";
import type { Message } from "./schemas.ts";

const name = "discord";

/** The archive of messages behind `search` and `fetch`. It carries no labels as a whole: each message that is shown does. */
export function createDiscordSource(link: DiscordLink): SearchSource {
  const toId = (kept: KeptMessage): string => toDocumentId(name, pathOf(placeOf(kept)));
  const toPlace = (id: string): MessagePlace => {
    const parts = fromDocumentId(id);
    const ids = parts?.part === "" ? parts.path.split("/") : [];
    const [guild = "", channel = "", third = "", fourth] = ids;
    if (!ids.every(isSnowflake) || ids.length < 3 || ids.length > 4) throw unknownDocument(id);
    return fourth === undefined
      ? { guild, channel, message: third }
      : { guild, channel, thread: third, message: fourth };
  };
  return {
    name,
    labels: {},
    resource: (id) => toResource(toPlace(id)),
    link: (id) => toLink(toPlace(id)),
    async search({ query, limit, allows, signal }) {
      const words = toWords(query);
      if (words.length === 0) return [];
      const { found } = await scan(link, { words }, { limit, maxBytes: Number.POSITIVE_INFINITY, allows, signal });
      const names = namesOf(link);
      return found.map((kept) => {
        const message = toMessage(kept, names);
        return { id: toId(kept), title: toTitle(message), text: message.text.slice(0, 2_000).toWellFormed() };
      });
    },
    async fetch(id) {
      const place = toPlace(id);
      const kept = link.store().find(place.message);
      if (!kept || toId(kept) !== id || !findChannel(link, place.channel)) throw unknownDocument(id);
      const message = toMessage(kept, namesOf(link));
      const metadata = { uri: message.uri, author: message.author.name, at: message.at };
      return { id, title: toTitle(message), text: message.text, metadata };
    },
  };
}

const pathOf = ({ guild, channel, thread, message }: MessagePlace): string =>
  [guild, channel, thread, message].filter((id) => id !== undefined).join("/");

const toTitle = ({ author, channelName, threadName, channel, at }: Message): string =>
  `${author.name || "someone"} in #${threadName ?? channelName ?? channel}, ${at.slice(0, 16).replace("T", " ")}`;
