/** A message as the page shows it. */
export interface ShownMessage {
  readonly id: string;
  readonly role: "user" | "assistant" | "tool";
  readonly model?: string;
  readonly text: string;
}

/** One of the page's ways to show a chat. It only reads; what it hands out to be written to is the composer. */
export interface Page {
  readonly name: "older" | "newer";
  /** What is in the document of the chat just now, in order; an answer that is still being written is left out. */
  messages(): readonly ShownMessage[];
  /** What has to be scrolled for older messages to come; undefined where all of the chat is in the document. */
  scroller(): HTMLElement | undefined;
  /** Whether older messages are being loaded. */
  loading(): boolean;
  composer(): HTMLElement | undefined;
}

/** The id of the chat whose page this is; undefined on any other page. */
export const chatIdOf = (path: string): string | undefined =>
  /^(?:\/g\/[\w-]+)?\/c\/([A-Za-z0-9][A-Za-z0-9-]{7,63})\/?$/.exec(path)?.[1];

/** The chat's name as the window shows it; undefined where that is only the site's. */
export function titleOf(title: string): string | undefined {
  const name = title
    .replace(/\s*[-|\u2013\u2014]\s*ChatGPT\s*$/i, "")
    .trim()
    .slice(0, 300);
  return name === "" || /^ChatGPT$/i.test(name) ? undefined : name;
}

export const isVisible = (element: Element): boolean => element.getClientRects().length > 0;

/** Whether an answer is being written just now. */
export const isWriting = (root: ParentNode): boolean =>
  [...root.querySelectorAll('[data-testid="stop-button"], button[aria-label^="Stop"]')].some(isVisible);
