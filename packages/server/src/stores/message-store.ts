/** A message as the archive keeps it. Ids are 64-bit numbers as texts. */
export interface KeptMessage {
  readonly id: string;
  readonly guild: string;
  readonly channel: string;
  /** "" for one in the channel itself. */
  readonly thread: string;
  readonly authorId: string;
  readonly author: string;
  readonly bot: boolean;
  readonly text: string;
  /** True when only the beginning of the text is kept. */
  readonly truncated: boolean;
  /** The id of the message that it answers, or "". */
  readonly replyTo: string;
  readonly attachments: readonly KeptAttachment[];
  /** When it was last edited, in ms; 0 for never. */
  readonly editedAt: number;
}

export interface KeptAttachment {
  readonly name: string;
  readonly contentType: string;
  readonly bytes: number;
}

/** A channel or thread that is followed. */
export interface KeptChannel {
  readonly id: string;
  readonly guild: string;
  /** The channel that a thread is in; "" for a channel. */
  readonly parent: string;
  readonly name: string;
}

/** How far back a channel or thread has been read. */
export interface BackfillMark {
  /** The oldest message that was read, or "". */
  readonly oldest: string;
  /** The newest one that is known to be kept without a hole behind it, or "". */
  readonly newest: string;
  readonly count: number;
  /** Why it is over: all was read, or the owner's bound was reached, or it cannot go on; "" while it is not. */
  readonly ended: "" | "whole" | "bound" | "refused";
  readonly note: string;
}

export interface MessageQuery {
  /** Words that all have to occur; none for all messages. */
  readonly words: readonly string[];
  /** A channel with its threads, or a thread. */
  readonly channel?: string;
  /** A channel without its threads, or a thread. */
  readonly place?: string;
  readonly author?: string;
  /** Only messages older than this id. */
  readonly before?: string;
  /** Only messages with at least this id. */
  readonly since?: string;
  readonly limit: number;
}

/** What is wrong, or not, with what fills the archive. */
export interface LinkStatus {
  readonly state: "off" | "connecting" | "live" | "waiting" | "refused";
  readonly message: string;
  readonly at: number;
}

/** The messages of the owner's channels, kept on this machine. */
export interface MessageStore {
  /** Keeps messages or their newer forms; of each it tells whether it is new, changed or as it was. One that was deleted stays so. */
  put(messages: readonly KeptMessage[]): readonly ("new" | "changed" | "same")[];
  /** Removes them, text and all, and sees to it that no late copy brings them back. Gives what was removed. */
  remove(ids: readonly string[]): readonly KeptMessage[];
  find(id: string): KeptMessage | undefined;
  /** The newest first. */
  search(query: MessageQuery): readonly KeptMessage[];
  count(channel?: string): number;
  channels(): readonly KeptChannel[];
  putChannel(channel: KeptChannel): void;
  /** Drops a channel or thread with all that is kept of it. */
  dropChannel(id: string): void;
  mark(channel: string): BackfillMark;
  putMark(channel: string, mark: BackfillMark): void;
  status(): LinkStatus;
  putStatus(status: LinkStatus): void;
  close(): void;
}
