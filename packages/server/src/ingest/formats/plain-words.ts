import { decodeText } from "../../web-page/decode-text.ts";
import { NotReadable } from "../document.ts";

/** Decodes the text of a format that is made of text; throws `NotReadable` when the bytes are no text. */
export function decodeWords(bytes: Buffer, title: string): string {
  const text = decodeText(bytes, undefined);
  if (text.trim() === "") throw new NotReadable("It is empty.");
  if (!isWords(text)) throw new NotReadable(`It is binary, not ${title}.`);
  return text;
}

/** False for what comes of bytes that are no text: many control characters, or many that mean nothing, at the start. */
export function isWords(text: string): boolean {
  const head = text.slice(0, 65_536);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for
  const strange = head.match(/[\0-\x08\x0e-\x1a\x1c-\x1f\ufffd\ufffe\uffff]/g)?.length ?? 0;
  return strange <= 16 || strange < head.length * 0.02;
}
