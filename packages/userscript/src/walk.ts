import { remember, remembered } from "./gm.ts";
import { rememberChat } from "./known.ts";
import { chatIdOf } from "./page/page.ts";

/** A walk through the owner's chats, one page after the other. */
export interface Walk {
  readonly active: boolean;
  /** Chats that are still to be read, in order. */
  readonly queue: readonly string[];
  /** The day that `opened` counts for, as `YYYY-MM-DD`. */
  readonly day: string;
  /** Chats that were opened on that day. */
  readonly opened: number;
  /** When the last one was opened, in milliseconds since 1970. */
  readonly last: number;
  /** The chat that the walk has just opened: only on its page does the walk go on, once, and soon. Empty when it waits for none. */
  readonly going: string;
  /** Chats that led elsewhere when they were opened: these come last. */
  readonly astray: readonly string[];
}

/** Chats that are opened on one day. */
export const mostADay = 60;
/** Milliseconds between one chat and the next: between these. */
const between = { least: 20_000, most: 45_000 } as const;
const mostQueued = 500;
/** How long a page may take to open: after that, whoever opens a page opened it himself. In milliseconds. */
const longestGoing = 120_000;

const none: Walk = { active: false, queue: [], day: "", opened: 0, last: 0, going: "", astray: [] };
const areNames = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");
const isWalk = (value: unknown): value is Walk => {
  const walk = value as Partial<Walk> | null;
  return (
    typeof walk === "object" &&
    walk !== null &&
    typeof walk.active === "boolean" &&
    areNames(walk.queue) &&
    areNames(walk.astray) &&
    typeof walk.going === "string" &&
    typeof walk.day === "string" &&
    typeof walk.opened === "number" &&
    typeof walk.last === "number"
  );
};

export const currentWalk = (): Walk => remembered("walk", none, isWalk);

/** The chats that the page's own list names just now, the one that is shown first. */
export function listedChats(): readonly string[] {
  const links = [...document.querySelectorAll('nav a[href], aside a[href], [id="history"] a[href]')];
  const ids = links.flatMap((link) => {
    const target = link.getAttribute("href") ?? "";
    const url = URL.canParse(target, window.location.origin) ? new URL(target, window.location.origin) : undefined;
    return url?.origin === window.location.origin ? (chatIdOf(url.pathname) ?? []) : [];
  });
  const shown = chatIdOf(window.location.pathname);
  return [...new Set([...(shown === undefined ? [] : [shown]), ...ids])].slice(0, mostQueued);
}

/** Begins a walk, by the owner's hand: first the chats that were never read to their beginning, last those that could not be opened. What was opened today counts on. */
export function beginWalk(listed: readonly string[]): Walk {
  const { astray, ...before } = currentWalk();
  const rank = (id: string): number => (astray.includes(id) ? 2 : rememberChat(id).isWhole() ? 1 : 0);
  const queue = listed.toSorted((a, b) => rank(a) - rank(b));
  const walk = { ...before, astray, active: true, queue, going: "" };
  remember("walk", walk);
  return walk;
}

/** Where a page stands to the walk: `here` when the walk has opened it, `astray` when it opened another chat that led here, undefined when a person opened it. */
export function arrive(shown: string | undefined, now: number): "here" | "astray" | undefined {
  const walk = currentWalk();
  if (!walk.active || walk.going === "" || now - walk.last > longestGoing) return undefined;
  const here = walk.going === shown;
  const astray = here ? walk.astray : [...walk.astray.filter((id) => id !== walk.going), walk.going].slice(-mostQueued);
  // A page that shows the chat once more, or another tab, is none that the walk has opened.
  remember("walk", { ...walk, going: "", active: here, astray });
  return here ? "here" : "astray";
}

export function endWalk(): void {
  remember("walk", { ...currentWalk(), active: false, going: "" });
}

/** Notes that a chat has been read. */
export function noteRead(id: string): Walk {
  const walk = currentWalk();
  const next = { ...walk, queue: walk.queue.filter((one) => one !== id) };
  remember("walk", next);
  return next;
}

/** Milliseconds until the next chat may be opened, never less than a person would take; undefined when enough were opened today. */
export function waitForNext(walk: Walk, now: number): number | undefined {
  if (walk.day === dayOf(now) && walk.opened >= mostADay) return undefined;
  const pace = between.least + Math.random() * (between.most - between.least);
  return Math.max(between.least, walk.last + pace - now);
}

const dayOf = (now: number): string => new Date(now).toISOString().slice(0, 10);

/**
 * Opens a chat of the owner's, and notes it first. The one place where the script goes to another page: to `/c/` and an id, and nowhere else. False when it does not, and
 * stays.
 */
export function goToChat(id: string): boolean {
  const path = `/c/${id}`;
  if (chatIdOf(path) !== id || window.location.origin !== "https://chatgpt.com") return false;
  const now = Date.now();
  const walk = currentWalk();
  const day = dayOf(now);
  const opened = walk.day === day ? walk.opened : 0;
  if (!walk.active || opened >= mostADay || now - walk.last < between.least) return false;
  const queue = walk.queue.filter((one) => one !== id);
  remember("walk", { ...walk, queue, going: id, day, opened: opened + 1, last: now });
  window.location.assign(`https://chatgpt.com${path}`);
  return true;
}
