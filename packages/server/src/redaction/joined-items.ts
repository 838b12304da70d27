/** A text with the places of its pieces in it. */
export interface Joined {
  readonly text: string;
  readonly pieces: readonly { readonly index: number; readonly start: number; readonly end: number }[];
}

const most = 1 << 20;
const fields = ["text", "content", "data", "delta", "chunk", "body", "message", "line", "value"] as const;

/** The text that an item of an array shows: itself, or the field of it that holds text. */
export function shownText(item: unknown): string | undefined {
  if (typeof item === "string") return item;
  if (typeof item !== "object" || item === null || Array.isArray(item)) return undefined;
  const holder = item as Readonly<Record<string, unknown>>;
  for (const field of fields) if (typeof holder[field] === "string") return holder[field];
  const { resource } = holder;
  return typeof resource === "object" && resource !== null && !Array.isArray(resource)
    ? shownText(resource)
    : undefined;
}

/** An item with another text in the place that `shownText` reads. */
export function withShownText(item: unknown, text: string): unknown {
  if (typeof item === "string") return text;
  const holder = item as Readonly<Record<string, unknown>>;
  for (const field of fields) if (typeof holder[field] === "string") return { ...holder, [field]: text };
  return { ...holder, resource: withShownText(holder.resource, text) };
}

/** Neighbouring texts as one, where a secret could run from one into the next: neither ends nor begins in a blank there. */
export function joinItems(items: readonly unknown[]): Joined | undefined {
  const pieces: { index: number; start: number; end: number }[] = [];
  let text = "";
  let meets = false;
  for (const [index, item] of items.entries()) {
    const shown = shownText(item);
    if (shown === undefined || shown === "") continue;
    if (text.length + shown.length > most) return undefined;
    meets ||= (text !== "" && !/\s$/.test(text) && !/^\s/.test(shown)) || text.endsWith("-----\n");
    pieces.push({ index, start: text.length, end: text.length + shown.length });
    text += shown;
  }
  return pieces.length > 1 && meets ? { text, pieces } : undefined;
}
