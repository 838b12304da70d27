import { readPage } from "../../web-page/read-page.ts";
import { NotReadable, type ReadDocument } from "../document.ts";
import { joinParts } from "./derived-text.ts";
import { decodeWords } from "./plain-words.ts";
import { usableTitle } from "./usable-title.ts";

/** The readable part of a saved page, as Markdown. What its styles hide from a reader is left out. */
export function readHtml(bytes: Buffer): readonly ReadDocument[] {
  const words = decodeWords(bytes, "HTML");
  const page = readWebPage(words.startsWith("<?xml") ? asHtml(words) : words);
  const title = usableTitle(page.title);
  return [{ part: "", ...(title !== undefined && { title }), ...joinParts([page]), kind: "markdown" }];
}

/** Reads HTML that came from no address: only its absolute links stay links. */
export function readWebPage(html: string): { readonly title?: string; readonly text: string } {
  try {
    return readPage({ html, url: "file:///", as: "markdown" });
  } catch (cause) {
    // HTML is never wrong; it only can be too much.
    throw new NotReadable("Its HTML is too large or too deeply nested.", { cause });
  }
}

/** XHTML may close an element in its own tag where HTML would read on to the end of the page. */
export const asHtml = (xhtml: string): string =>
  xhtml.replace(
    /<(title|script|style|textarea|iframe|a|div|span|p|i|b|em|strong|td|th)((?:\s[^<>]{0,2000})?)\/>/g,
    "<$1$2></$1>",
  );
