import { keepShown, readChat } from "../read-chat.ts";
import { Stopped, watchPerson } from "../watch-person.ts";
import { make, makeButton } from "./elements.ts";
import type { Frame } from "./frame.ts";

const ends = { top: "from its beginning on", known: "up to what was known" } as const;

/** Keeps the chat that is shown: what is there just now, or all of it, read upwards at a person's pace. */
export function chatSection(frame: Frame): HTMLElement {
  const { tell, host } = frame;
  const keep = makeButton("Keep what is shown", async () => {
    const watch = watchPerson(host);
    try {
      const { kept, seen } = await keepShown({ signal: watch.signal, told: () => {} });
      tell(`${seen} messages are shown; ${kept} were new.`);
    } catch (error) {
      tell(toReason(error), true);
    } finally {
      watch.end();
    }
  });
  const read = makeButton("Read this chat", () => readWithBanner(frame), { class: "strong" });
  return make(
    "section",
    { "aria-label": "This chat" },
    make("h3", { text: "This chat" }),
    make("div", { class: "row" }, read, keep),
  );
}

/** Reads the chat with the banner above it; true when it came to its end. */
export async function readWithBanner(frame: Frame): Promise<boolean> {
  const watch = watchPerson(frame.host);
  const banner = frame.banner("Portcullis is reading this chat.", () => watch.stop("you stopped it"));
  try {
    const { kept, seen, end } = await readChat({ signal: watch.signal, told: banner.say });
    frame.tell(`Read ${ends[end]}: ${seen} messages, ${kept} of them new.`);
    return true;
  } catch (error) {
    frame.tell(toReason(error), true);
    return false;
  } finally {
    banner.end();
    watch.end();
  }
}

export const toReason = (error: unknown): string =>
  error instanceof Stopped ? `Stopped: ${error.message}.` : error instanceof Error ? error.message : "It did not work.";
