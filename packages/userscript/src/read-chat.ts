import { type Chat, keepMessages, pause } from "./keep.ts";
import { type Memory, rememberChat } from "./known.ts";
import { findPage } from "./page/find-page.ts";
import { chatIdOf, type Page, type ShownMessage, titleOf } from "./page/page.ts";
import { Stopped } from "./watch-person.ts";

/** What has been read of a chat. */
export interface Read {
  readonly chat: string;
  /** Messages that are new to the server. */
  readonly kept: number;
  readonly seen: number;
  /** Why it ended there. */
  readonly end: "top" | "known";
}

/** The chat that is shown; undefined on a page without one. */
export function shownChat(): Chat | undefined {
  const id = chatIdOf(window.location.pathname);
  const title = titleOf(document.title);
  return id === undefined ? undefined : { id, ...(title === undefined ? {} : { title }) };
}

export interface Reading {
  readonly signal: AbortSignal;
  told(text: string): void;
}

/** Milliseconds that a person takes for a screenful: between these. */
const screenMs = { least: 1_200, most: 2_600 } as const;
/** Looks for older messages without any coming after which the chat's beginning is taken to be reached. */
const mostStill = 3;
const mostScreens = 2_000;

/** Sends what is in the document of the chat that is shown, without touching the page. */
export async function keepShown(reading: Reading): Promise<Read> {
  const { chat, page, memory } = begin();
  const wasWhole = memory.isWhole();
  const messages = page.messages();
  const met = await someKnown(messages, memory);
  const kept = await keepMessages(chat, messages, { memory, signal: reading.signal });
  const end = page.scroller() ? "known" : "top";
  // Nothing can be missing where all of the chat is here, or where this reaches down to what was whole.
  if (end === "top" || (wasWhole && met)) memory.noteWhole();
  return { chat: chat.id, kept, seen: messages.length, end };
}

/**
 * Reads the chat that is shown upwards at a person's pace, until its beginning; or until what comes into view is known, when an earlier reading came to its end.
 * Rejects with why it was stopped: the next one then reads on where this one has not been.
 */
export async function readChat({ signal, told }: Reading): Promise<Read> {
  const { chat, page, memory } = begin();
  const untilKnown = memory.isWhole();
  const seen = new Set<string>();
  let kept = 0;
  let still = 0;
  const ended = (end: Read["end"]): Read => {
    memory.noteWhole();
    return { chat: chat.id, kept, seen: seen.size, end };
  };
  for (let screen = 0; screen < mostScreens; screen++) {
    signal.throwIfAborted();
    if (chatIdOf(window.location.pathname) !== chat.id) throw new Stopped("another chat is shown");
    const messages = page.messages();
    const known = await allKnown(messages, memory);
    const before = seen.size;
    for (const { id } of messages) seen.add(id);
    kept += await keepMessages(chat, messages, { memory, signal });
    told(`${seen.size} messages seen, ${kept} new`);
    const scroller = page.scroller();
    if (!scroller) return ended("top");
    if (untilKnown && known && messages.length > 0) return ended("known");
    still = seen.size > before || page.loading() ? 0 : still + 1;
    if (still >= mostStill) return ended("top");
    signal.throwIfAborted();
    scroller.scrollBy({ top: -Math.round(scroller.clientHeight * 0.8), behavior: "instant" });
    await pause(screenMs.least + Math.random() * (screenMs.most - screenMs.least), signal);
  }
  throw new Stopped(`this chat has more than ${mostScreens} screens: import the official export`);
}

function begin(): { readonly chat: Chat; readonly page: Page; readonly memory: Memory } {
  const chat = shownChat();
  if (!chat) throw new Stopped("no chat is shown");
  const page = findPage(document);
  if (!page) throw new Stopped("this page is built in a way that is not known here");
  return { chat, page, memory: rememberChat(chat.id) };
}

async function someKnown(messages: readonly ShownMessage[], memory: Memory): Promise<boolean> {
  for (const message of messages) if (await memory.has(message)) return true;
  return false;
}

/** Whether all that is in view was known before it was sent now. */
async function allKnown(messages: readonly ShownMessage[], memory: Memory): Promise<boolean> {
  for (const message of messages) if (!(await memory.has(message))) return false;
  return true;
}
