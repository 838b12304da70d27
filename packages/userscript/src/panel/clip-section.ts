import { type Clip, dropClip, heldClips, holdClip, longestClip, mostClips, sendClips } from "../clips.ts";
import { shownChat } from "../read-chat.ts";
import { make, makeButton, makeField } from "./elements.ts";

const refusals = {
  empty: "Select some text of the chat and name a task first.",
  "too-long": `A clip has at most ${longestClip} characters.`,
  full: `${mostClips} clips are held: send them first.`,
} as const;

/** Holds parts of chats for named tasks, and sends them to the index when the owner says so. */
export function clipSection(tell: (text: string, bad?: boolean) => void): HTMLElement {
  const task = makeField("Task that clips are for", { type: "text", maxlength: "80" });
  const list = make("ul", { "aria-label": "Held clips" });
  // A click on the button takes the selection away in some browsers: the last one is remembered.
  let selected = "";
  document.addEventListener("selectionchange", () => {
    const text = window.getSelection()?.toString() ?? "";
    if (text.trim() !== "") selected = text;
  });
  const show = ({ task: of, text, at }: Clip): HTMLElement =>
    make(
      "li",
      {},
      make("div", { class: "title", text: of }),
      make("div", {
        class: "passage",
        text: text.slice(0, 300),
        tabindex: "0",
        role: "group",
        "aria-label": `Clip for ${of}`,
      }),
      make(
        "div",
        { class: "row" },
        makeButton(
          "Drop",
          () => {
            dropClip(at);
            draw();
          },
          { "aria-label": `Drop the clip for ${of}` },
        ),
      ),
    );
  const draw = (): void => {
    const clips = heldClips();
    list.replaceChildren(...clips.slice(-20).map(show));
    send.toggleAttribute("hidden", clips.length === 0);
    send.textContent = `Send ${clips.length} to the index`;
  };
  const hold = makeButton("Clip the selection", () => {
    const chat = shownChat();
    if (!chat) return tell("No chat is shown.", true);
    const held = holdClip({ task: task.input.value.trim(), chat, text: selected.trim(), at: Date.now() });
    if (held !== "held") return tell(refusals[held], true);
    selected = "";
    tell("Held in this browser.");
    draw();
  });
  const send = makeButton("", async () => {
    try {
      const sent = await sendClips(new AbortController().signal);
      tell(`${sent} clips are in the index.`);
    } catch (error) {
      tell((error as Error).message, true);
    } finally {
      draw();
    }
  });
  draw();
  return make(
    "section",
    { "aria-label": "Clips" },
    make("h3", { text: "Clips" }),
    task.row,
    make("div", { class: "row" }, hold, send),
    list,
  );
}
