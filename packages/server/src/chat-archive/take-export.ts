import { createHash } from "node:crypto";
import { isChatExport } from "../ingest/chats/chat-export.ts";
import { createElementCutter, type JsonElement } from "../ingest/chats/json-elements.ts";
import { type ExportPart, NotAnExport, type OpenExport } from "./open-export.ts";

export type ExportKind = NonNullable<ReturnType<typeof isChatExport>>;

/** What an export holds. */
export interface Taken {
  readonly kind: ExportKind;
  readonly files: readonly string[];
  readonly bytes: number;
  /** Entries of its lists: conversations, and projects where it has those. */
  readonly conversations: number;
  /** Entries that are too long to be read. */
  readonly unread: number;
  /** Tells this export from every other: the same again is known by it. */
  readonly digest: string;
}

/** Where a part's bytes go as they are unpacked. */
export type Sink = (name: string) => Promise<{ write(piece: Buffer): Promise<void>; end(): Promise<void> }>;

const headBytes = 65_536;
/** A conversation is read whole: a longer entry is none. */
const mostBytes = 32 << 20;

/**
 * Reads an export to its end, a piece at a time, and makes sure that it is whole: every list of conversations ends, every checksum is right. No
 * more than one conversation is held. Throws `NotAnExport`.
 */
export async function takeExport({ parts }: OpenExport, to: Sink, signal: AbortSignal): Promise<Taken> {
  const hash = createHash("sha256");
  const files: string[] = [];
  const sum = { bytes: 0, conversations: 0, unread: 0 };
  let kind: ExportKind | undefined;
  for (const part of parts) {
    const read = await takePart(part, { to, signal, hash });
    if (!read) continue;
    kind ??= read.kind;
    if (read.kind !== kind)
      throw new NotAnExport(
        `${part.name} is of another program's export than the files before it.`,
        "Import one export at a time.",
      );
    files.push(part.name);
    sum.bytes += read.bytes;
    sum.conversations += read.conversations;
    sum.unread += read.unread;
  }
  if (kind === undefined)
    throw new NotAnExport(
      "It holds no conversations: there is no conversations.json of ChatGPT or Claude in it.",
      "In ChatGPT: Settings, Data controls, Export data. Import the zip file that the mail leads to.",
    );
  return { kind, files, ...sum, digest: hash.digest("hex") };
}

interface Taking {
  readonly to: Sink;
  readonly signal: AbortSignal;
  readonly hash: ReturnType<typeof createHash>;
}

/** Undefined for a part that holds no conversations by what it begins with: nothing of it is written. */
async function takePart(part: ExportPart, { to, signal, hash }: Taking) {
  const { name } = part;
  const pieces = part.pieces()[Symbol.asyncIterator]();
  try {
    let head = Buffer.alloc(0);
    let next = await pieces.next();
    for (; !next.done && head.length < headBytes; next = await pieces.next()) head = Buffer.concat([head, next.value]);
    const kind = isChatExport(name, head);
    if (!kind) return undefined;
    const cutter = createElementCutter(mostBytes);
    const read = { kind, bytes: 0, conversations: 0, unread: 0 };
    const count = (element: JsonElement): void => {
      if (element.kind === "element") read.conversations++;
      else if (/\bends\b/.test(element.reason)) throw half(name);
      else read.unread++;
    };
    hash.update(`${name}\0`);
    const sink = await to(name);
    try {
      const take = async (piece: Buffer): Promise<void> => {
        signal.throwIfAborted();
        hash.update(piece);
        read.bytes += piece.length;
        for (const element of cutter.push(piece)) count(element);
        await sink.write(piece);
      };
      await take(head);
      for (; !next.done; next = await pieces.next()) await take(next.value);
      for (const element of cutter.end()) count(element);
    } finally {
      await sink.end();
    }
    return read;
  } finally {
    await pieces.return?.();
  }
}

const half = (name: string): NotAnExport =>
  new NotAnExport(
    `${name} ends in the middle: this is half of an export.`,
    "Download the export anew and import that.",
  );
