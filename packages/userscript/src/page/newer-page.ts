import { toMarkdown } from "./markdown.ts";
import { isVisible, isWriting, type Page, type ShownMessage } from "./page.ts";

const active = '[data-app-shell-active-page="true"]';
const unit = "[data-chatgpt-search-message-ids]";
const field = "form[data-chatgpt-composer] [data-composer-markdown][role=textbox]";

/**
 * The page that keeps a few turns of a chat in its document, and other chats' pages beside the one that is shown; undefined where this is not it, or where it
 * cannot be told which page is shown.
 */
export function findNewerPage(document: Document): Page | undefined {
  const root = (): Element | undefined => {
    const found = [...document.querySelectorAll(active)].filter((one) => one.parentElement?.closest(active) === null);
    return found.length === 1 ? found[0] : undefined;
  };
  const composer = (): HTMLElement | undefined => {
    const found = [...(root()?.querySelectorAll<HTMLElement>(field) ?? [])].filter(isVisible);
    return found.length === 1 && found[0]?.isContentEditable ? found[0] : undefined;
  };
  const page = root();
  if (!page || (page.querySelector(unit) === null && composer() === undefined)) return undefined;
  return {
    name: "newer",
    messages() {
      const now = root();
      if (!now) return [];
      const units = [...now.querySelectorAll(unit)].filter((one) => one.parentElement?.closest(unit) === null);
      const shown = units.flatMap((one) => read(one));
      return isWriting(now) && shown.at(-1)?.role === "assistant" ? shown.slice(0, -1) : shown;
    },
    scroller() {
      const first = root()?.querySelector(unit);
      for (let one = first?.parentElement; one; one = one.parentElement)
        if (/auto|scroll/.test(getComputedStyle(one).overflowY) && one.scrollHeight > one.clientHeight + 1) return one;
      return undefined;
    },
    loading: () => [...(root()?.querySelectorAll('[role="status"], [aria-busy="true"]') ?? [])].some(isLoading),
    composer,
  };
}

const isLoading = (one: Element): boolean =>
  isVisible(one) && (one.getAttribute("aria-busy") === "true" || /loading/i.test(one.textContent ?? ""));

function read(one: Element): readonly ShownMessage[] {
  // An answer with steps has several ids: the last is its own.
  const id = (one.getAttribute("data-chatgpt-search-message-ids") ?? "").trim().split(/\s+/).at(-1) ?? "";
  const role = roleOf(one);
  if (role === undefined || !/^[A-Za-z0-9_-]{8,100}$/.test(id)) return [];
  const content =
    role === "user"
      ? (one.querySelector("[data-user-message-bubble]") ?? one)
      : (one.querySelector('[data-markdown-text-style="assistant-message"], .markdown') ?? one);
  const text = toMarkdown(content);
  return text === "" ? [] : [{ id, role, text }];
}

function roleOf(one: Element): ShownMessage["role"] | undefined {
  const key =
    one.getAttribute("data-chatgpt-search-unit-key") ?? one.getAttribute("data-content-search-unit-key") ?? "";
  const said = /:(user|assistant)$/.exec(key)?.[1];
  if (said === "user" || said === "assistant") return said;
  if (one.querySelector('[data-conversation-role="assistant"]')) return "assistant";
  return one.querySelector("[data-user-message-bubble]") || one.classList.contains("group/user-message")
    ? "user"
    : undefined;
}
