import { pause } from "../keep.ts";
import { findPage } from "../page/find-page.ts";
import { chatIdOf } from "../page/page.ts";
import {
  arrive,
  beginWalk,
  currentWalk,
  endWalk,
  goToChat,
  listedChats,
  mostADay,
  noteRead,
  waitForNext,
} from "../walk.ts";
import { watchPerson } from "../watch-person.ts";
import { readWithBanner, toReason } from "./chat-section.ts";
import { make, makeButton } from "./elements.ts";
import type { Frame } from "./frame.ts";

/** How long a page may take to show its chat, in milliseconds. */
const appearMs = 15_000;

/** Walks the chats that the page's list names, one in twenty to forty-five seconds, where the owner has said so. */
export function walkSection(frame: Frame): HTMLElement {
  const agree = make("input", { type: "checkbox", id: "walk" });
  const begin = makeButton("Walk my chats", () => {
    if (!agree.checked) return frame.tell("Say first that it may open your chats by itself.", true);
    const queue = listedChats();
    if (queue.length === 0) return frame.tell("The page's list names no chats just now.", true);
    beginWalk(queue);
    const shown = chatIdOf(window.location.pathname);
    return shown !== undefined && queue.includes(shown) ? readAndGoOn(frame, shown) : goOn(frame);
  });
  const label = make(
    "label",
    { class: "check", for: "walk" },
    agree,
    make("span", { text: `Open my chats one after the other, at most ${mostADay} a day` }),
  );
  return make(
    "section",
    { "aria-label": "All chats" },
    make("h3", { text: "All chats" }),
    make("p", { text: "For the whole history the official export is better: portcullis import chatgpt." }),
    label,
    make("div", { class: "row" }, begin),
  );
}

/** Goes on with a walk on the page that it has opened, and on no other. */
export async function arriveByWalk(frame: Frame): Promise<void> {
  const shown = chatIdOf(window.location.pathname);
  const arrived = arrive(shown, Date.now());
  if (arrived === "astray") frame.tell("The walk stopped: the chat that it opened led to this page.", true);
  if (arrived === "here" && shown !== undefined) await readAndGoOn(frame, shown);
}

async function readAndGoOn(frame: Frame, shown: string): Promise<void> {
  const watch = watchPerson(frame.host);
  try {
    await appear(watch.signal);
    watch.end();
    if (!(await readWithBanner(frame))) return endWalk();
  } catch (error) {
    endWalk();
    return frame.tell(toReason(error), true);
  } finally {
    watch.end();
  }
  noteRead(shown);
  await goOn(frame);
}

/** Waits, and opens the next chat. */
async function goOn(frame: Frame): Promise<void> {
  const [next] = currentWalk().queue;
  if (next === undefined) {
    endWalk();
    return frame.tell("All chats of the list were read.");
  }
  const wait = waitForNext(currentWalk(), Date.now());
  if (wait === undefined) {
    endWalk();
    return frame.tell(
      `${mostADay} chats were opened today: that is enough. Go on tomorrow, or import the official export.`,
    );
  }
  await rest(frame, wait, next);
}

/** Waits before the next chat, where everybody sees it. */
async function rest(frame: Frame, wait: number, next: string): Promise<void> {
  const watch = watchPerson(frame.host);
  const left = currentWalk().queue.length;
  const banner = frame.banner(`Portcullis walks your chats: ${left} left. The next one opens in`, () =>
    watch.stop("you stopped it"),
  );
  try {
    for (let rest = wait; rest > 0; rest -= 1_000) {
      banner.say(`${Math.ceil(rest / 1_000)} s.`);
      await pause(Math.min(rest, 1_000), watch.signal);
    }
    watch.signal.throwIfAborted();
    if (goToChat(next)) return;
    endWalk();
    frame.tell("The walk stopped: another one is under way, or enough chats were opened today.", true);
  } catch (error) {
    endWalk();
    frame.tell(toReason(error), true);
  } finally {
    banner.end();
    watch.end();
  }
}

/** Waits until the page shows messages; a chat without any is passed over by its reading. */
async function appear(signal: AbortSignal): Promise<void> {
  for (let waited = 0; waited < appearMs; waited += 500) {
    if ((findPage(document)?.messages().length ?? 0) > 0) return;
    await pause(500, signal);
  }
}
