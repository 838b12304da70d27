import { hash } from "node:crypto";
import { encodeText, labelOf } from "../ingest/chats/transcript.ts";
import type { Section } from "../ingest/document.ts";
import type { FileStamp, TextIndex } from "../stores/store.ts";
import { addedSource } from "./document-id.ts";
import { prepare } from "./prepare.ts";
import { createSegmentBuilder } from "./segment/builder.ts";

/** A message as a page shows it. */
export interface PageMessage {
  /** The page's own id of it, without the provider's name; absent where the page shows none. */
  readonly id?: string | undefined;
  readonly role: string;
  readonly model?: string | undefined;
  /** Milliseconds since 1970. */
  readonly time?: number | undefined;
  readonly text: string;
}

/** Messages of one chat that stand one behind the other in it: all of it, or what a page has of it just now. */
export interface ChatAddition {
  /** As `toAddedUrl` gives it. */
  readonly url: string;
  readonly title?: string | undefined;
  readonly messages: readonly PageMessage[];
  /** When it was seen, in milliseconds since 1970. */
  readonly time: number;
}

/** What became of the messages; `full` when the chat would be longer than is kept, and nothing was changed. */
export interface ChatAdded {
  readonly added: number;
  readonly changed: number;
  readonly known: number;
  readonly full: boolean;
}

/** In bytes. */
const longestChat = 16 * 1024 ** 2;

/** A message as it stands in the chat's text, with its heading. */
interface Kept {
  readonly id: string;
  readonly raw: Buffer;
}

/**
 * Puts messages into the chat that is kept under a URL, each in the place that its neighbours give it: one that is known stays or, when the page shows
 * it anew, is replaced. The text is that of an import of the same chat, and a message has the id that it has there, so that it is found once.
 */
export async function addChat(index: TextIndex, { url, title, messages, time }: ChatAddition): Promise<ChatAdded> {
  const key = { source: addedSource, path: url };
  const document = index.document(key);
  const before = document ? readKept(index, document) : [];
  const sum = { added: 0, changed: 0, known: 0 };
  const known = new Map(before.map((one) => [one.id, one]));
  const fresh = messages.flatMap((message): Kept[] => {
    const text = encodeText(message.text);
    if (text.length === 0) return [];
    const id = `chatgpt:${message.id ?? `page-${hash("sha256", `${message.role}\0${message.text}`).slice(0, 24)}`}`;
    const raw = Buffer.concat([Buffer.from(`## ${labelOf({ ...message, shown: true })}\n\n`), text, gap]);
    const old = known.get(id);
    if (old === undefined) sum.added++;
    else if (old.raw.equals(raw)) sum.known++;
    else sum.changed++;
    return [{ id, raw }];
  });
  const named = title !== undefined && title !== document?.title;
  if (sum.added + sum.changed === 0 && (!named || !document)) return { ...sum, full: false };
  const chat = place(before, fresh);
  const sections: Section[] = [];
  let length = 0;
  for (const { id, raw } of chat) {
    sections.push({ start: length, label: labelIn(raw), id });
    length += raw.length;
  }
  if (length > longestChat) return { added: 0, changed: 0, known: sum.known, full: true };
  const text = Buffer.concat(
    chat.map(({ raw }) => raw),
    length,
  );
  const sha256 = hash("sha256", text);
  const stamp: FileStamp = { size: length, mtimeNs: BigInt(Math.round(time)) * 1_000_000n, ino: 0n };
  const builder = createSegmentBuilder();
  const prepared = prepare(
    { part: "", title: title ?? document?.title ?? "Chat", text, kind: "markdown", sections, time },
    { path: url, bytes: text, sha256, stamp },
  );
  const { number, about, text: words } = builder.add(prepared.text);
  await index.apply(
    [
      { kind: "add", key, documents: [{ ...prepared.document, number, about, words }] },
      { kind: "done", key, stamp, sha256, parts: new Set([""]) },
    ],
    builder.take(),
  );
  return { ...sum, full: false };
}

const gap = Buffer.from("\n\n");

/** The messages that are kept of a chat, cut where the index says that one begins. */
function readKept(
  index: TextIndex,
  { id, passages }: { readonly id: number; readonly passages: number },
): readonly Kept[] {
  const text = Buffer.from(index.text(id) ?? []);
  const starts: { readonly id: string; readonly at: number }[] = [];
  for (let place = 0; place < passages; place++) {
    const { identity, start } = index.passage(id, place) ?? {};
    if (identity === undefined || start === undefined || starts.at(-1)?.id === identity) continue;
    starts.push({ id: identity, at: start });
  }
  return starts.map(({ id: name, at }, number) => ({ id: name, raw: text.subarray(at, starts[number + 1]?.at) }));
}

const labelIn = (raw: Buffer): string => raw.toString("utf8", 3, Math.max(3, raw.indexOf(0x0a)));

/** Both in one order: what is new stands behind the known message that it follows, or before the one that follows it; else at the end. */
function place(before: readonly Kept[], fresh: readonly Kept[]): readonly Kept[] {
  const chat = [...before];
  const at = (id: string): number => chat.findIndex((one) => one.id === id);
  const first = fresh.map(({ id }) => at(id)).find((found) => found >= 0);
  let next = first ?? chat.length;
  for (const one of fresh) {
    const known = at(one.id);
    if (known >= 0) {
      chat[known] = one;
      next = known + 1;
    } else chat.splice(next++, 0, one);
  }
  return chat;
}
