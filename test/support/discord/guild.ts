/** What Discord would keep: channels, threads and messages, in the shapes of its API (v10). */
export interface FakeMessage {
  readonly id: string;
  readonly channel_id: string;
  readonly type: number;
  content: string;
  readonly author: {
    readonly id: string;
    readonly username: string;
    readonly global_name: string;
    readonly bot?: boolean;
  };
  readonly timestamp: string;
  edited_timestamp: string | null;
  readonly attachments: readonly unknown[];
  readonly embeds: readonly unknown[];
  readonly message_reference?: unknown;
}

export interface FakeChannel {
  readonly id: string;
  readonly guild_id: string;
  readonly name: string;
  readonly type: number;
  readonly parent_id?: string;
  readonly thread_metadata?: { readonly archived: boolean; readonly archive_timestamp: string };
  /** The oldest first. */
  readonly messages: FakeMessage[];
  /** The status that its messages are refused with. */
  refuses?: number | undefined;
}

const epoch = 1_420_070_400_000n;
let counter = 0n;

/** An id as Discord would give it at a time; each is another one. */
export function newId(at = Date.now()): string {
  counter += 1n;
  return String(((BigInt(Math.trunc(at)) - epoch) << 22n) | (counter & 0x3fffffn));
}

export const publicOf = ({ messages: _, refuses: __, ...channel }: FakeChannel): object => channel;

export function toFakeMessage(
  channel: string,
  content: string,
  more: Partial<FakeMessage> & { readonly at?: number } = {},
): FakeMessage {
  const { at = Date.now(), ...rest } = more;
  return {
    ...{ id: newId(at), channel_id: channel, type: 0, content, edited_timestamp: null, attachments: [], embeds: [] },
    author: { id: "80351110224678912", username: "ada", global_name: "Ada" },
    timestamp: new Date(at).toISOString(),
    ...rest,
  };
}
