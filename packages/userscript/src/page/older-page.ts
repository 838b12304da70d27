import { toMarkdown } from "./markdown.ts";
import { isVisible, isWriting, type Page, type ShownMessage } from "./page.ts";

const unit = "[data-message-author-role][data-message-id]";

/** The page that has all of a chat in its document; undefined where this is not it. */
export function findOlderPage(document: Document): Page | undefined {
  const composer = (): HTMLElement | undefined => {
    const found = [...document.querySelectorAll<HTMLElement>("#prompt-textarea")].filter(isVisible);
    return found.length === 1 && found[0]?.isContentEditable ? found[0] : undefined;
  };
  if (composer() === undefined && document.querySelector(unit) === null) return undefined;
  return {
    name: "older",
    messages() {
      const units = [...document.querySelectorAll(unit)].filter((one) => one.parentElement?.closest(unit) === null);
      const shown = units.flatMap((one) => read(one));
      return isWriting(document) && shown.at(-1)?.role === "assistant" ? shown.slice(0, -1) : shown;
    },
    scroller: () => undefined,
    loading: () => false,
    composer,
  };
}

function read(one: Element): readonly ShownMessage[] {
  const said = one.getAttribute("data-message-author-role");
  const id = one.getAttribute("data-message-id") ?? "";
  const role = said === "user" || said === "assistant" || said === "tool" ? said : undefined;
  // An id of the page's own making changes when the message is kept for good.
  if (role === undefined || !/^[A-Za-z0-9_-]{8,100}$/.test(id) || id.startsWith("placeholder")) return [];
  const text = toMarkdown(one);
  const model = one.getAttribute("data-message-model-slug")?.slice(0, 100);
  return text === "" ? [] : [{ id, role, text, ...(model ? { model } : {}) }];
}
