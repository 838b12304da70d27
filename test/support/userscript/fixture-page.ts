import { join } from "node:path";
import { build } from "vite";

export type Renderer = "older" | "newer";

export interface Turn {
  readonly id: string;
  readonly role: "user" | "assistant";
  readonly text: string;
}

/** The fixture's own script: the composer with ProseMirror in it, as one file. */
export async function bundleComposer(): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: "silent",
    build: {
      write: false,
      minify: false,
      lib: {
        entry: join(import.meta.dirname, "composer.ts"),
        formats: ["iife"],
        name: "Composer",
        fileName: "composer",
      },
    },
  });
  const [first] = Array.isArray(built) ? built : [built];
  if (!first || !("output" in first)) throw new Error("The composer was not bundled.");
  return first.output[0].code;
}

const html = (text: string): string => text.replace(/[&<>]/g, (letter) => `&#${letter.charCodeAt(0)};`);
const paragraphs = (text: string): string =>
  text
    .split("\n\n")
    .map((part) => `<p>${html(part)}</p>`)
    .join("");

export const toTurns = (count: number, about = "pond"): readonly Turn[] =>
  Array.from({ length: count }, (_, at) => ({
    id: `${about}-message-${String(at).padStart(4, "0")}`,
    role: at % 2 === 0 ? "user" : "assistant",
    text: at % 2 === 0 ? `Question ${at} of the ${about}?` : `Answer ${at} of the ${about}.\n\nIt has two parts.`,
  }));

const olderTurn = ({ id, role, text }: Turn): string =>
  role === "user"
    ? `<article><div data-message-author-role="user" data-message-id="${id}"><div class="whitespace-pre-wrap">${html(text)}</div></div></article>`
    : `<article><div data-message-author-role="assistant" data-message-id="${id}" data-message-model-slug="gpt-9"><div class="markdown">${paragraphs(text)}</div></div><button>Copy</button></article>`;

const newerTurn = ({ id, role, text }: Turn): string =>
  role === "user"
    ? `<div class="group/user-message" data-chatgpt-search-message-ids="${id}" data-chatgpt-search-unit-key="t:0:user"><h4 class="sr-only">You said:</h4><div data-user-message-bubble="true"><div>${html(text)}</div></div><button>Edit</button></div>`
    : `<div data-chatgpt-search-message-ids="step-of-${id} ${id}" data-chatgpt-search-unit-key="t:1:assistant"><h4 class="sr-only" data-conversation-role="assistant">ChatGPT said:</h4><div data-markdown-text-style="assistant-message">${paragraphs(text)}</div><button>Copy</button></div>`;

const list = (chats: readonly string[]): string =>
  `<nav id="history">${chats.map((id) => `<a href="/c/${id}">Chat ${id}</a>`).join("")}<a href="/gpts">GPTs</a><a href="https://elsewhere.example/c/${chats[0] ?? "x"}x">Elsewhere</a></nav>`;

const older = (turns: readonly Turn[]): string => `
<main><div id="thread">${turns.map(olderTurn).join("")}</div></main>
<form data-type="unified-composer"><div id="place"></div><button data-testid="send-button">Send</button></form>
<script>fixture.mount(document.getElementById("place"), { id: "prompt-textarea" });</script>`;

/** Six turns in the document, the others as room above and below; and another chat's page, hidden, with a composer of its own. */
const newer = (turns: readonly Turn[]): string => `
<div data-app-shell-active-page="false" hidden><div>${toTurns(4, "stale").map(newerTurn).join("")}</div>
  <form data-chatgpt-composer><div data-composer-markdown role="textbox" contenteditable="true"><p>stale draft</p></div></form></div>
<div data-app-shell-active-page="true">
  <div id="scroller" style="height:420px;overflow-y:auto;display:flex;flex-direction:column-reverse"><div id="room" style="position:relative;flex:none;height:${turns.length * 150}px"></div></div>
  <form data-chatgpt-composer><div id="place"></div><button data-testid="send-button">Send</button></form>
</div>
<script>
  fixture.mount(document.getElementById("place"), { "data-composer-markdown": "", role: "textbox", "aria-label": "Message" });
  const turns = ${JSON.stringify(turns.map(newerTurn)).replaceAll("<", "\\u003c")};
  const [scroller, room] = [document.getElementById("scroller"), document.getElementById("room")];
  let shown = "";
  function draw() {
    const top = room.offsetHeight - scroller.clientHeight + scroller.scrollTop;
    const first = Math.max(0, Math.min(turns.length - 6, Math.floor(top / 150) - 1));
    if (shown === String(first)) return;
    shown = String(first);
    room.replaceChildren();
    turns.slice(first, first + 6).forEach((turn, at) => {
      const box = document.createElement("div");
      box.style.cssText = "position:absolute;left:0;right:0;height:150px;overflow:hidden;top:" + (first + at) * 150 + "px";
      box.append(document.createRange().createContextualFragment(turn));
      room.append(box);
    });
  }
  scroller.addEventListener("scroll", draw);
  draw();
</script>`;

export interface PageOptions {
  readonly renderer: Renderer;
  readonly turns: readonly Turn[];
  readonly chats: readonly string[];
}

/** A page of chatgpt.com as each of its renderers builds it, by what is known of both. */
export const fixturePage = ({ renderer, turns, chats }: PageOptions): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Of ponds - ChatGPT</title>
<style>.sr-only{position:absolute;width:1px;height:1px;overflow:hidden}.ProseMirror,[contenteditable]{border:1px solid;min-height:40px;white-space:pre-wrap}</style>
<script src="/fixture.js"></script></head><body>${list(chats)}${renderer === "older" ? older(turns) : newer(turns)}<div id="notices"></div></body></html>`;
