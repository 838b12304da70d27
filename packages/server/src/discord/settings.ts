/** A channel that the owner listed. */
export interface ListedChannel {
  readonly guild: string;
  readonly channel: string;
  /** The most messages that are read back, of the channel and of each of its threads; 0 for none. */
  readonly messages: number;
  /** How many days are read back; 0 for all. */
  readonly days: number;
}

/** What the link to Discord is begun with. */
export interface DiscordOptions {
  /** The archive's file. */
  readonly path: string;
  readonly token: string;
  /** The base of the API, without its version. */
  readonly api: string;
  readonly channels: readonly ListedChannel[];
  /** `host:port` pairs on private addresses that may be reached. */
  readonly privateHosts: readonly string[];
}
