import { remember, remembered } from "./gm.ts";
import type { ShownMessage } from "./page/page.ts";

/** Of a chat: the hash of each message that the server has, by its id. */
type Hashes = Readonly<Record<string, string>>;
interface KnownChat {
  readonly at: number;
  readonly hashes: Hashes;
  /** Whether nothing is missing between what is known: a reading has come to its end since it last found something new. */
  readonly whole: boolean;
}
type Known = Readonly<Record<string, KnownChat>>;

const mostChats = 500;
const mostMessages = 4_000;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isKnown = (value: unknown): value is Known =>
  isRecord(value) &&
  Object.values(value).every(
    (chat) => isRecord(chat) && typeof chat.at === "number" && isRecord(chat.hashes) && typeof chat.whole === "boolean",
  );

const load = (): Known => remembered<Known>("known", {}, isKnown);

/** What tells a message from every other state of it: 48 bits of SHA-256. */
export async function hashOf({ role, text }: ShownMessage): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${role}\0${text}`)));
  return [...bytes.subarray(0, 6)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export interface Memory {
  /** Whether the server has the message as it is. */
  has(message: ShownMessage): Promise<boolean>;
  /** Notes what the server has taken. Until a reading has come to its end, something may be missing above it. */
  note(messages: readonly ShownMessage[]): Promise<void>;
  /** Whether a reading may end where it meets what is known. */
  isWhole(): boolean;
  /** Notes that a reading has come to its end. */
  noteWhole(): void;
}

/** What is remembered of one chat. */
export function rememberChat(chat: string): Memory {
  const keep = (hashes: Hashes, whole: boolean): void => {
    const others = Object.entries(load())
      .filter(([id]) => id !== chat)
      .sort(([, a], [, b]) => b.at - a.at)
      .slice(0, mostChats - 1);
    remember("known", Object.fromEntries([[chat, { at: Date.now(), hashes, whole }], ...others]));
  };
  const current = (): KnownChat => load()[chat] ?? { at: 0, hashes: {}, whole: false };
  return {
    async has(message) {
      const known = current().hashes[message.id];
      return known !== undefined && known === (await hashOf(message));
    },
    async note(messages) {
      const fresh: [string, string][] = [];
      for (const message of messages) fresh.push([message.id, await hashOf(message)]);
      keep(Object.fromEntries([...Object.entries(current().hashes), ...fresh].slice(-mostMessages)), false);
    },
    isWhole: () => current().whole,
    noteWhole: () => keep(current().hashes, true),
  };
}

/** Forgets everything: the next reading sends all of a chat anew. */
export const forgetChats = (): void => remember("known", {});
