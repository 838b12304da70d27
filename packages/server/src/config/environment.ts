import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { Environment } from "./read-settings.ts";

/** The process's environment: everything else is handed what it needs of it. */
export const environment = (): Environment => process.env;

/** The data folder: `--data`, `PORTCULLIS_DATA`, else `portcullis` in XDG's data home. */
export const toDataFolder = (flag: string | undefined, env: Environment): string =>
  resolve(flag ?? env.PORTCULLIS_DATA ?? join(env.XDG_DATA_HOME ?? join(homedir(), ".local", "share"), "portcullis"));

/** Where what can be made again is kept for this user: `portcullis` in XDG's cache home. */
export const toCacheFolder = (env: Environment): string =>
  join(env.XDG_CACHE_HOME ?? join(env.HOME ?? homedir(), ".cache"), "portcullis");
