import { binaryByContent, binaryByName, kindOf, largestFile } from "../search/text-kind.ts";
import { targetsOf } from "../vault/facts.ts";
import { readNote } from "../vault/read-note.ts";
import { isChatExport, readChatExport } from "./chats/chat-export.ts";
import { isNexusNote, readNexusNote } from "./chats/nexus-note.ts";
import { NotReadable, type ReadDocument } from "./document.ts";
import { type Format, formatOf } from "./formats/format-of.ts";
import { readFormat } from "./formats/read-format.ts";
import type { Sandbox } from "./sandbox/sandbox.ts";

/** A file that is to be read, by whoever may open it. */
export interface OpenFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Its first bytes, 64 KiB of them when there are so many. */
  readonly head: Buffer;
  /** All of its bytes. */
  whole(): Buffer;
  /** All of its bytes, a piece at a time. */
  pieces(): Iterable<Buffer>;
}

export const headBytes = 65_536;
/** The largest chat export that is read, in bytes. */
const largestExport = 8 * 1024 ** 3;

/** The documents of a file. Rejects or throws with `NotReadable` when it holds none that can be read. */
export function readFile(
  file: OpenFile,
  sandbox: Pick<Sandbox, "read">,
): Iterable<ReadDocument> | AsyncIterable<ReadDocument> {
  const { path, size, head } = file;
  const chats = isChatExport(path, head);
  if (chats) {
    refuseLarger(size, largestExport);
    return readConversations(file, chats);
  }
  const format = formatOf(path, head);
  if (format) return readAs(file, format, sandbox);
  const reason = binaryByName(path) ?? binaryByContent(head);
  if (reason !== undefined) throw new NotReadable(reason);
  refuseLarger(size, largestFile);
  const bytes = file.whole();
  const binary = binaryByContent(bytes);
  if (binary !== undefined) throw new NotReadable(binary);
  return [readText(path, bytes)];
}

async function* readAs(file: OpenFile, format: Format, sandbox: Pick<Sandbox, "read">): AsyncGenerator<ReadDocument> {
  refuseLarger(file.size, format.largest);
  const { path } = file;
  const bytes = file.whole();
  yield* await (format.apart
    ? sandbox.read({ path, format: format.name, bytes })
    : readFormat(format.name, bytes, path));
}

async function* readConversations(
  file: OpenFile,
  kind: NonNullable<ReturnType<typeof isChatExport>>,
): AsyncGenerator<ReadDocument> {
  let found = 0;
  let why: string | undefined;
  for await (const entry of readChatExport(file.pieces(), kind)) {
    if ("document" in entry) {
      found++;
      yield entry.document;
    } else why ??= `${entry.skipped} (at byte ${entry.at})`;
  }
  if (found === 0) throw new NotReadable(why ?? "It holds no conversation.");
}

/** Text as it stands: a note of a chat by its messages, any other note with what it says of itself. */
function readText(path: string, bytes: Buffer): ReadDocument {
  const kind = kindOf(path);
  if (kind !== "markdown") return { part: "", kind, sections: [] };
  const text = bytes.toString("utf8");
  if (isNexusNote(text)) return readNexusNote(bytes, path);
  const note = readNote(text);
  const { time, tags, aliases } = note;
  return {
    part: "",
    kind,
    sections: [],
    tags,
    aliases,
    links: targetsOf(note),
    ...(time !== undefined && { time }),
  };
}

/** Refuses a file of more bytes than are read. */
export function refuseLarger(size: number, most: number): void {
  if (size > most) throw new NotReadable(`It is larger than ${most / 1_048_576} MiB.`);
}
