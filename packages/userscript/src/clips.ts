import { remember, remembered } from "./gm.ts";
import type { Chat } from "./keep.ts";
import { callTool } from "./server.ts";

/** A part of a chat that is held for a task. */
export interface Clip {
  readonly task: string;
  readonly chat: Chat;
  readonly text: string;
  readonly at: number;
}

export const mostClips = 200;
export const longestClip = 20_000;

const isClip = (value: unknown): value is Clip => {
  const clip = value as Partial<Clip> | null;
  return typeof clip?.task === "string" && typeof clip.text === "string" && typeof clip.chat?.id === "string";
};
const isClips = (value: unknown): value is readonly Clip[] => Array.isArray(value) && value.every(isClip);

export const heldClips = (): readonly Clip[] => remembered<readonly Clip[]>("clips", [], isClips);

export type Held = "held" | "full" | "too-long" | "empty";

/** Holds a clip in this browser until it is sent. */
export function holdClip(clip: Clip): Held {
  const clips = heldClips();
  if (clip.text.trim() === "" || clip.task.trim() === "") return "empty";
  if (clip.text.length > longestClip) return "too-long";
  if (clips.length >= mostClips) return "full";
  const same = (one: Clip): boolean => one.task === clip.task && one.chat.id === clip.chat.id && one.text === clip.text;
  remember("clips", [...clips.filter((one) => !same(one)), clip]);
  return "held";
}

export const dropClip = (at: number): void =>
  remember(
    "clips",
    heldClips().filter((clip) => clip.at !== at),
  );

/** Sends what is held to the index of the server, one clip after the other; what it has taken is held no more. Answers how many that were. */
export async function sendClips(signal: AbortSignal): Promise<number> {
  let sent = 0;
  for (const { task, chat, text, at } of heldClips()) {
    signal.throwIfAborted();
    await callTool("chat.clip", { chat, task, text }, `keep clips for ${task}`);
    dropClip(at);
    sent++;
  }
  return sent;
}
