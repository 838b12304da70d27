import { Parser } from "htmlparser2";
import { decodeText } from "../../web-page/decode-text.ts";
import { NotReadable } from "../document.ts";

/** Names of elements and attributes come without their prefix. */
export interface XmlReader {
  open?(name: string, attributes: Readonly<Record<string, string>>): void;
  text?(text: string): void;
  close?(name: string): void;
}

const deepest = 1_000;
const mostElements = 5_000_000;

/**
 * Reads XML as a stream of elements and text. Entities that a document defines itself are not expanded, and nothing is fetched. Throws
 * `NotReadable` when elements are left open or nest more than 1,000 deep.
 */
export function readXml(bytes: Buffer, reader: XmlReader): void {
  let depth = 0;
  let elements = 0;
  let opened = false;
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        if (++depth > deepest) throw new NotReadable(`It nests more than ${deepest} elements.`);
        if (++elements > mostElements) throw new NotReadable(`It has more than ${mostElements} elements.`);
        opened = true;
        reader.open?.(local(name), withoutPrefixes(attributes));
      },
      ontext(text) {
        opened = false;
        reader.text?.(text);
      },
      onclosetag(name, implied) {
        // The parser tells of `<a/>` as of an element that was closed for it, right after it was opened.
        if (implied && !opened) throw new NotReadable("It is damaged: its XML is not whole.");
        opened = false;
        depth--;
        reader.close?.(local(name));
      },
    },
    { xmlMode: true },
  );
  parser.end(decodeText(bytes, undefined));
}

const local = (name: string): string => name.slice(name.indexOf(":") + 1);

function withoutPrefixes(attributes: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const named: Record<string, string> = {};
  for (const name in attributes) named[local(name)] ??= attributes[name] as string;
  return named;
}
