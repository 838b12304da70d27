import { hash } from "node:crypto";
import type { ReadDocument, Section } from "../document.ts";
import { repairText } from "./mojibake.ts";
import { writeMinute } from "./moment.ts";

export interface Message {
  /** With the provider's name before it: `claude:…`. */
  readonly id?: string | undefined;
  /** "user", "assistant", "tool (python)". */
  readonly role: string;
  readonly model?: string | undefined;
  readonly time?: number | undefined;
  /** As `encodeText` gives it; bytes, so that a long conversation does not fill the heap. */
  readonly text: Buffer;
  /** False on a branch that the conversation's own page no longer shows. */
  readonly shown: boolean;
}

/** What is read of a conversation before it is written as a document. */
export interface Conversation {
  /** Undefined when the export gives none. */
  readonly id?: string | undefined;
  readonly title?: string | undefined;
  readonly time?: number | undefined;
  /** What stands before the first message: a summary. */
  readonly preface?: string | undefined;
  /** In reading order. */
  readonly messages: readonly Message[];
}

/** A message's text with mangled characters repaired. */
export const encodeText = (text: string): Buffer => Buffer.from(repairText(text).trim());

export function labelOf({ role, model, time, shown }: Omit<Message, "text">): string {
  const who =
    model === undefined ? role.slice(0, longestName) : `${role.slice(0, longestName)} (${model.slice(0, longestName)})`;
  const when = time === undefined ? "" : `, ${writeMinute(time)}`;
  return `${who}${when}${shown ? "" : ", other branch"}`.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ");
}

const longestName = 200;

/** A name that an export gives, so short that it may be kept everywhere. */
const toName = (name: string): string =>
  name.length <= longestName ? name : `long-${hash("sha256", name).slice(0, 32)}`;

const gap = Buffer.from("\n\n");

/** A conversation as a document in Markdown with a section for each message; what the export holds twice stands there once. */
export async function writeTranscript(
  conversation: Conversation,
  pace: () => Promise<void> | undefined,
): Promise<ReadDocument> {
  const pieces: Buffer[] = [];
  const sections: Section[] = [];
  const written = new Map<string, Buffer>();
  let length = 0;
  const write = (...added: readonly Buffer[]): void => {
    for (const piece of added) length += piece.length;
    pieces.push(...added);
  };
  const preface = conversation.preface?.trim();
  if (preface) write(encodeText(preface), gap);
  let newest: number | undefined;
  for (const message of conversation.messages) {
    const { text, time } = message;
    if (text.length === 0) continue;
    let id = message.id === undefined ? undefined : toName(message.id);
    const before = id === undefined ? undefined : written.get(id);
    if (before?.equals(text)) continue;
    if (id !== undefined && before !== undefined) {
      // Two messages under one name: both stay, each with a name that another reading gives it too.
      id = `${id}~${hash("sha256", text).slice(0, 8)}`;
      if (written.has(id)) continue;
    }
    if (id !== undefined) written.set(id, text);
    const label = labelOf(message);
    if (time !== undefined && (newest === undefined || time > newest)) newest = time;
    sections.push({
      start: length,
      label,
      ...(id === undefined ? {} : { id }),
      ...(time === undefined ? {} : { time }),
    });
    write(Buffer.from(`## ${label}\n\n`), text, gap);
    const pause = pace();
    if (pause !== undefined) await pause;
  }
  const time = conversation.time ?? newest;
  const title = titleOf(conversation);
  return {
    part: conversation.id === undefined ? derivedId(conversation) : toName(conversation.id),
    kind: "markdown",
    text: Buffer.concat(pieces, length),
    sections,
    ...(title === undefined ? {} : { title }),
    ...(time === undefined ? {} : { time }),
  };
}

const longestTitle = 100;

/** Its own title, else the line that its first message begins with. */
function titleOf({ title, messages }: Conversation): string | undefined {
  const first = messages.find(({ role, text }) => role === "user" && text.length > 0) ?? messages[0];
  const plain = oneLine(repairText((title ?? "").slice(0, 1_000))) || oneLine(/\S.*/.exec(head(first))?.[0] ?? "");
  return plain === "" ? undefined : plain;
}

const head = (message: Message | undefined): string => message?.text.toString("utf8", 0, 1_000) ?? "";

function oneLine(text: string): string {
  const plain = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s\ufffd]+/gu, " ").trim();
  return [...plain].slice(0, longestTitle).join("");
}

/** A name for a conversation without one that stays when messages are added to it. */
function derivedId({ title, messages }: Conversation): string {
  const [first] = messages;
  return `unnamed-${hash("sha256", JSON.stringify([title, first?.id, first?.time, head(first)])).slice(0, 16)}`;
}
