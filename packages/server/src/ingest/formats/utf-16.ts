import { TextDecoder } from "node:util";
import { kindOf } from "../../search/text-kind.ts";
import { NotReadable, type ReadDocument } from "../document.ts";
import { joinParts } from "./derived-text.ts";
import { isWords } from "./plain-words.ts";

/** Text in UTF-16 with a byte order mark, of either order. */
export function readUtf16(bytes: Buffer, path: string): readonly ReadDocument[] {
  if (bytes[0] === 0xff && bytes[1] === 0xfe && bytes[2] === 0 && bytes[3] === 0 && bytes.length % 4 === 0)
    throw new NotReadable("It is in UTF-32; save it as UTF-8 to have it searched.");
  const text = new TextDecoder(bytes[0] === 0xff ? "utf-16le" : "utf-16be").decode(bytes);
  if (!isWords(text)) throw new NotReadable("It is binary.");
  return [{ part: "", ...joinParts([{ text }], "It is empty."), kind: kindOf(path) }];
}
