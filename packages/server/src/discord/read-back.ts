import type { REST } from "discord.js";
import type { BackfillMark, KeptMessage, MessageStore } from "../stores/message-store.ts";
import type { MessageChange } from "./link-messages.ts";
import { toKeptMessage, toRaw } from "./message.ts";
import type { ChannelPlace } from "./place.ts";
import { nameOf, type Places } from "./places.ts";
import type { ListedChannel } from "./settings.ts";
import { isOlder, isSnowflake, snowflakeAt, timeOf } from "./snowflake.ts";

export interface ReadBackOptions {
  readonly rest: Pick<REST, "get">;
  readonly store: MessageStore;
  readonly places: Places;
  readonly tell: (change: MessageChange) => void;
  readonly fault: (message: string, cause: unknown) => void;
  readonly signal: AbortSignal;
  /** Rests between two requests, in ms. */
  readonly paceMs?: number;
  /** How long after a failure it is tried again, in ms. */
  readonly againMs?: number;
}

const pageSize = 100;
const dayMs = 86_400_000;
const mostThreadPages = 10;
/** Channels that Discord keeps no messages in, but threads: forums and media. */
const threadsOnly = new Set([15, 16]);

/**
 * Reads the owner's channels back, the newest first: what came while nobody listened, then what lies before it as far as the owner's bound, one page of
 * each place in turn, and last what was kept before, for edits and deletions that nobody told. How far it is lies in the store with the page itself, so
 * that it goes on there after a crash.
 */
export function createReadBack(given: ReadBackOptions) {
  const { store, places, signal, againMs = 60_000 } = given;
  let failed = false;
  const options: ReadBackOptions = {
    ...given,
    fault(message, cause) {
      failed = true;
      given.fault(message, cause);
    },
  };
  let running: Promise<void> | undefined;
  let wanted = false;
  let checked = false;
  let again: NodeJS.Timeout | undefined;

  const round = async (): Promise<void> => {
    const reading: Place[] = [];
    for (const listed of places.listed) reading.push(...(await open(options, listed)));
    for (const thread of places.threads()) {
      const listed = places.listed.find(({ channel }) => channel === thread.parent);
      const place = { guild: thread.guild, channel: thread.parent, thread: thread.id };
      if (listed) reading.push({ place, id: thread.id, listed });
    }
    // The owner may have raised the bound, or given the bot its right.
    for (const { id } of reading) {
      const mark = store.mark(id);
      if (mark.ended === "refused" || mark.ended === "bound") store.putMark(id, { ...mark, ended: "", note: "" });
    }
    const before = new Map(reading.map(({ id }) => [id, store.mark(id)]));
    for (const one of reading) await attempt(options, one, () => catchUp(options, one));
    let unread: readonly Place[] = reading;
    while (unread.length > 0) {
      const next: Place[] = [];
      for (const one of unread) if (await attempt(options, one, () => readOn(options, one))) next.push(one);
      unread = next;
    }
    if (checked) return;
    checked = true;
    for (const one of reading) {
      const { newest = "", oldest = "" } = before.get(one.id) ?? {};
      if (newest !== "" && oldest !== "")
        await attempt(options, one, () => lookAgain(options, one, { newest, oldest }));
    }
  };
  const run = async (): Promise<void> => {
    while (wanted && !signal.aborted) {
      wanted = false;
      failed = false;
      await round();
    }
    // What failed for now is tried again, also when nothing else happens.
    if (failed && !signal.aborted) again = setTimeout(() => begin(true), againMs).unref();
  };
  const begin = (anew: boolean): void => {
    clearTimeout(again);
    wanted = true;
    if (anew) checked = false;
    running ??= run()
      .catch((cause: unknown) => {
        if (!signal.aborted) options.fault("Discord's channels could not be read back.", cause);
      })
      .finally(() => {
        running = undefined;
      });
  };
  signal.addEventListener("abort", () => clearTimeout(again), { once: true });

  return {
    /** Begins, or goes round once more when it is at it. `anew` looks at what is kept again, too. */
    begin: ({ anew }: { readonly anew: boolean }): void => begin(anew),
    settled: () => running ?? Promise.resolve(),
  };
}

interface Place {
  readonly place: ChannelPlace;
  /** The channel's or the thread's. */
  readonly id: string;
  readonly listed: ListedChannel;
}

/** Looks at a channel itself, and finds its threads; nothing to read where it is refused. */
async function open(options: ReadBackOptions, listed: ListedChannel): Promise<readonly Place[]> {
  const { store, places } = options;
  const { guild, channel } = listed;
  const one: Place = { place: { guild, channel }, id: channel, listed };
  let found: readonly Place[] = [];
  await attempt(options, one, async () => {
    const { guild_id: where, name, type } = toRaw(await get(options, `/channels/${channel}`));
    if (where !== guild) throw new Refused(`The channel ${channel} is not in the guild ${guild}.`);
    store.putChannel({ id: channel, guild, parent: "", name: nameOf(name) });
    const mark = store.mark(channel);
    if (mark.ended === "refused") store.putMark(channel, { ...mark, ended: "", note: "" });
    found = threadsOnly.has(Number(type)) ? [] : [one];
    const { threads: active } = toRaw(await get(options, `/guilds/${guild}/threads/active`));
    for (const thread of Array.isArray(active) ? active : []) places.addThread(thread);
    let before = "";
    for (let page = 0; page < mostThreadPages; page++) {
      const query = new URLSearchParams({ limit: "100", ...(before !== "" && { before }) });
      const { threads, has_more: more } = toRaw(
        await get(options, `/channels/${channel}/threads/archived/public`, query),
      );
      const list = Array.isArray(threads) ? threads : [];
      for (const thread of list) places.addThread(thread);
      const { archive_timestamp: last } = toRaw(toRaw(list.at(-1)).thread_metadata);
      if (more !== true || typeof last !== "string" || last === before) break;
      before = last;
    }
    return false;
  });
  return found;
}

class Refused extends Error {}

/** One step at a place. What Discord refuses ends this place and no other; what may pass is tried again by the next round. */
async function attempt(options: ReadBackOptions, { id }: Place, step: () => Promise<boolean>): Promise<boolean> {
  options.signal.throwIfAborted();
  try {
    return await step();
  } catch (error) {
    options.signal.throwIfAborted();
    const { status, message } = error as { status?: number; message: string };
    if (status === 401) throw error;
    const refused = error instanceof Refused || status === 403 || status === 404;
    const note = refused && status !== undefined ? `${notes[status]} (${message})` : message;
    const ended = refused ? "refused" : "";
    options.store.putMark(id, { ...options.store.mark(id), ended, note: note.slice(0, 300) });
    if (!refused) options.fault(`The channel ${id} of Discord could not be read.`, error);
    return false;
  }
}

const notes: Readonly<Record<number, string>> = {
  403: "The bot may not read it: give it View Channel and Read Message History there.",
  404: "Discord knows no such channel, or the bot is not in its guild.",
};

async function get(
  { rest, signal, paceMs = 250 }: ReadBackOptions,
  route: string,
  query?: URLSearchParams,
): Promise<unknown> {
  const answer = await rest.get(route as `/${string}`, { signal, ...(query && { query }) });
  await new Promise((resolve) => setTimeout(resolve, paceMs));
  signal.throwIfAborted();
  return answer;
}

interface Page {
  readonly messages: readonly KeptMessage[];
  readonly newest: string;
  readonly oldest: string;
  /** True when nothing lies before it. */
  readonly last: boolean;
}

/** The page before an id, or the newest one. A page that is too large to be taken is asked for in smaller ones. */
async function readPage(
  options: ReadBackOptions,
  { id, place }: Place,
  before: string,
  size = pageSize,
): Promise<Page> {
  const query = new URLSearchParams({ limit: String(size), ...(before !== "" && { before }) });
  let answer: unknown;
  try {
    answer = await get(options, `/channels/${id}/messages`, query);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "TOO_LARGE" || options.signal.aborted) throw error;
    if (size > 1) return readPage(options, { id, place } as Place, before, Math.max(1, Math.trunc(size / 10)));
    throw new Refused("A message is too large to be read; what lies before it is not read back.");
  }
  const list = Array.isArray(answer) ? answer.slice(0, pageSize) : [];
  const ids = list.map((value) => toRaw(value).id).filter(isSnowflake);
  // A page that does not lie before what it was asked for would be read for ever.
  const inOrder = before === "" ? ids : ids.filter((one) => isOlder(one, before));
  const sorted = [...inOrder].sort((a, b) => (isOlder(a, b) ? 1 : -1));
  const messages = list.flatMap((value) => {
    const message = toKeptMessage(value, place);
    return message && sorted.includes(message.id) ? [message] : [];
  });
  return {
    messages,
    newest: sorted[0] ?? "",
    oldest: sorted.at(-1) ?? "",
    last: list.length < size || sorted.length === 0,
  };
}

/** Keeps a page and drops what was kept between its ends and is not there any more. */
function take(
  { store, tell }: ReadBackOptions,
  { id }: Place,
  page: Page,
  { before, quiet }: { before: string; quiet: boolean },
): void {
  const done = store.put(page.messages);
  if (!quiet)
    for (const [at, message] of page.messages.entries()) {
      if (done[at] === "new") tell({ kind: "created", message });
      if (done[at] === "changed") tell({ kind: "edited", message });
    }
  if (page.oldest === "" && !page.last) return;
  const there = new Set(page.messages.map((message) => message.id));
  const range = {
    ...{ words: [], place: id, limit: 1_000 },
    ...(page.last ? {} : { since: page.oldest }),
    ...{ before: before === "" ? after(page.newest) : before },
  };
  if (range.before === "") return;
  const gone = store.search(range).filter((message) => !there.has(message.id));
  for (const message of store.remove(gone.map((one) => one.id))) tell({ kind: "deleted", message });
}

const after = (id: string): string => (id === "" ? "" : String(BigInt(id) + 1n));

/** From the newest message down to those that are kept without a hole. Not kept half: it begins at the top again after a crash. */
async function catchUp(options: ReadBackOptions, one: Place): Promise<boolean> {
  const { store } = options;
  const mark = store.mark(one.id);
  if (one.listed.messages === 0 && mark.newest === "") return false;
  let before = "";
  let top = "";
  let count = 0;
  for (;;) {
    const first = mark.newest === "";
    const size = first ? Math.min(pageSize, one.listed.messages) : pageSize;
    const page = await readPage(options, one, before, size);
    take(options, one, page, { before, quiet: first });
    if (top === "") top = page.newest;
    count += page.messages.length;
    const reached = mark.newest !== "" && page.oldest !== "" && !isOlder(mark.newest, page.oldest);
    const over = bound(one, count, page.oldest);
    if (first || reached || page.last || over) {
      const now = store.mark(one.id);
      const oldest = first || (over && !reached) ? page.oldest : now.oldest;
      const ended = first && page.last ? "whole" : now.ended;
      store.putMark(one.id, { ...now, newest: top || now.newest, oldest, count: now.count + count, ended });
      return false;
    }
    before = page.oldest;
  }
}

/** One page before the oldest that is kept; false when there is no more to read. */
async function readOn(options: ReadBackOptions, one: Place): Promise<boolean> {
  const { store } = options;
  const mark: BackfillMark = store.mark(one.id);
  if (mark.ended !== "" || mark.oldest === "") return false;
  if (bound(one, mark.count, mark.oldest)) {
    store.putMark(one.id, { ...mark, ended: "bound" });
    return false;
  }
  const size = Math.min(pageSize, Math.max(1, one.listed.messages - mark.count));
  const page = await readPage(options, one, mark.oldest, size);
  take(options, one, page, { before: mark.oldest, quiet: true });
  const now = store.mark(one.id);
  const count = now.count + page.messages.length;
  store.putMark(one.id, {
    ...now,
    oldest: page.oldest || now.oldest,
    count,
    ended: page.last ? "whole" : "",
    note: "",
  });
  return !page.last;
}

const bound = ({ listed }: Place, count: number, oldest: string): boolean => {
  if (count >= listed.messages) return true;
  const since = listed.days === 0 ? undefined : snowflakeAt(Date.now() - listed.days * dayMs);
  return since !== undefined && oldest !== "" && timeOf(oldest) < timeOf(since);
};

/** What was kept before this session, read once more. */
async function lookAgain(
  options: ReadBackOptions,
  one: Place,
  { newest, oldest }: { readonly newest: string; readonly oldest: string },
): Promise<boolean> {
  let before = after(newest);
  for (;;) {
    const page = await readPage(options, one, before);
    take(options, one, page, { before, quiet: false });
    if (page.last || page.oldest === "" || !isOlder(oldest, page.oldest)) return false;
    before = page.oldest;
  }
}
