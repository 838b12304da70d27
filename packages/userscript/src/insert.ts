/** More than this becomes a file on that page instead of text. */
export const mostInserted = 8_000;

export type Inserted = "inserted" | "too-long" | "no-composer" | "not-taken";

/** How long the page may take to show what was pasted, in milliseconds. */
const showMs = 1_000;

/**
 * Puts a text where the composer's cursor is, by one paste: the page takes it as it takes the owner's own, in one step that can be undone. Then it makes sure that
 * the draft is what it was with the text in it. Nothing is sent: that is left to the owner.
 */
export async function insertPassage(composer: HTMLElement | undefined, text: string): Promise<Inserted> {
  if (text.length > mostInserted) return "too-long";
  if (!composer?.isConnected || !composer.isContentEditable) return "no-composer";
  const before = plain(composer.textContent ?? "");
  const data = new DataTransfer();
  data.setData("text/plain", text);
  data.setData("text/html", toHtml(text));
  composer.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  const until = Date.now() + showMs;
  for (;;) {
    if (isGrown(plain(composer.textContent ?? ""), before, plain(text))) return "inserted";
    if (Date.now() >= until || !composer.isConnected) return "not-taken";
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Whether a draft is what it was with the text put in at one place. */
function isGrown(now: string, before: string, text: string): boolean {
  if (now.length !== before.length + text.length) return false;
  for (let at = now.indexOf(text); at >= 0; at = now.indexOf(text, at + 1))
    if (now.slice(0, at) + now.slice(at + text.length) === before) return true;
  return false;
}

/** What is written, without how it is set. */
const plain = (text: string): string => text.replace(/[\s\u200b\ufeff]+/g, "");

const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escapeText = (text: string): string => text.replace(/[&<>"]/g, (character) => escapes[character] ?? "");

/** The text in paragraphs, marked as a piece of a document of the editor's own so that it is taken exactly. */
const toHtml = (text: string): string =>
  text
    .split("\n")
    .map((line, at) => `<p${at === 0 ? ' data-pm-slice="1 1 []"' : ""}>${line === "" ? "<br>" : escapeText(line)}</p>`)
    .join("");
