import { remember, remembered } from "./gm.ts";
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
}

/** Chats that are opened on one day. */
export const mostADay = 60;
/** Milliseconds between one chat and the next: between these. */
const between = { least: 20_000, most: 45_000 } as const;
const mostQueued = 500;

const none: Walk = { active: false, queue: [], day: "", opened: 0, last: 0 };
const isWalk = (value: unknown): value is Walk => {
  const walk = value as Partial<Walk> | null;
  return (
    typeof walk === "object" &&
    walk !== null &&
    typeof walk.active === "boolean" &&
    Array.isArray(walk.queue) &&
    walk.queue.every((id) => typeof id === "string") &&
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

/** Begins a walk, by the owner's hand. What was opened today counts on. */
export function beginWalk(queue: readonly string[]): Walk {
  const walk = { ...currentWalk(), active: true, queue: queue.slice(0, mostQueued) };
  remember("walk", walk);
  return walk;
}

export function endWalk(): void {
  remember("walk", { ...currentWalk(), active: false });
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

/** Opens a chat of the owner's, and notes it first. The one place where the script goes to another page: to `/c/` and an id, and nowhere else. */
export function goToChat(id: string): void {
  const path = `/c/${id}`;
  if (chatIdOf(path) !== id || window.location.origin !== "https://chatgpt.com") return;
  const now = Date.now();
  const walk = currentWalk();
  const day = dayOf(now);
  const opened = walk.day === day ? walk.opened : 0;
  if (!walk.active || opened >= mostADay || now - walk.last < between.least) return;
  remember("walk", { ...walk, day, opened: opened + 1, last: now });
  window.location.assign(`https://chatgpt.com${path}`);
}
