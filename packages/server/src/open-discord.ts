import { join } from "node:path";
import { readSecret } from "./config/secret-sources.ts";
import type { Settings } from "./config/settings.ts";
import { createDiscordLink, type DiscordLink } from "./discord/discord-link.ts";
import type { KnownSecret } from "./redaction/known-secrets.ts";

/** The archive of Discord's messages. */
export const discordPath = (data: string): string => join(data, "discord.db");

export interface OpenDiscord {
  readonly link: DiscordLink;
  /** The bot's token, to be masked wherever it turns up. */
  readonly secrets: readonly KnownSecret[];
}

/** Discord as the owner configured it; undefined where no channel is listed. A token that cannot be read is Discord's trouble alone. */
export function openDiscord(options: {
  readonly data: string;
  readonly settings: Settings;
  readonly fault: (message: string, error: unknown) => void;
}): OpenDiscord | undefined {
  const { data, settings, fault } = options;
  const { channels, tokenFile, tokenVariable, messages, days, api } = settings.discord;
  if (channels.length === 0) return undefined;
  let token = "";
  try {
    if (tokenFile + tokenVariable !== "")
      token = readSecret({ file: tokenFile, variable: tokenVariable, name: "DISCORD_TOKEN" });
  } catch (error) {
    fault(`The token of Discord's bot cannot be read: ${(error as Error).message}`, undefined);
  }
  const link = createDiscordLink({
    ...{ path: discordPath(data), token, api, fault },
    privateHosts: settings.http.privateHosts,
    channels: channels.map((channel) => ({ messages, days, ...channel })),
  });
  return { link, secrets: token === "" ? [] : [{ name: "discord", value: token }] };
}
