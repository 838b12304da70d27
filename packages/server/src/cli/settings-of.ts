import { existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { ServedFolder } from "../adapters/adapter.ts";
import { chatsFolder } from "../chat-archive/place.ts";
import { type Flags, readSettings } from "../config/read-settings.ts";
import type { Settings } from "../config/settings.ts";
import { type Invocation, text } from "./command.ts";

/** Reads the settings for a command: the file, the environment, and the options and folders that it was given. */
export function settingsOf({ values, positionals, env, data }: Invocation): Settings {
  const flags: { -readonly [Key in keyof Flags]: Flags[Key] } = { folders: positionals };
  for (const name of ["config", "host", "port", "profile"] as const) {
    const value = text(values, name);
    if (value !== undefined) flags[name] = value;
  }
  const publicUrl = text(values, "public-url");
  return readSettings(data, publicUrl === undefined ? flags : { ...flags, publicUrl }, env);
}

/** The folders that a server of this data folder serves or served last, for commands that name none. */
export function lastServed(data: string): readonly string[] {
  try {
    const { folders } = JSON.parse(readFileSync(join(data, "served.json"), "utf8")) as { folders: string[] };
    return folders.filter((folder) => existsSync(folder));
  } catch {
    return [];
  }
}

/** All folders that a server of this data folder serves: those that it was given or served last, and the imported chats once there are some. */
export function servedOf({ folders }: Pick<Settings, "folders">, data: string): readonly string[] {
  const chats = chatsFolder(data);
  return [...(folders.length > 0 ? folders : lastServed(data)), ...(existsSync(chats) ? [chats] : [])];
}

export function rememberServed(data: string, folders: readonly ServedFolder[]): void {
  writeFileSync(join(data, "served.json"), `${JSON.stringify({ folders: folders.map(({ path }) => path) })}\n`, {
    mode: 0o600,
  });
}

export const homeOf = ({ env }: Invocation): string => {
  const home = env.HOME ?? homedir();
  return existsSync(home) ? realpathSync(home) : home;
};
