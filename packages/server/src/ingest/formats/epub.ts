import { posix } from "node:path";
import { decodeText } from "../../web-page/decode-text.ts";
import { NotReadable, type ReadDocument } from "../document.ts";
import { joinParts, type Part } from "./derived-text.ts";
import { asHtml, readWebPage } from "./html.ts";
import { openOffice, readProperties } from "./office-file.ts";
import { readXml } from "./xml.ts";
import type { Zip } from "./zip.ts";

/** A book (EPUB 2 and 3): its chapters in reading order, one section each. */
export function readEpub(bytes: Buffer): readonly ReadDocument[] {
  const zip = openOffice(bytes, "an EPUB");
  const at = findPackage(zip);
  const description = zip.read(at);
  if (!description) throw new NotReadable("It is no EPUB: its list of contents is missing.");
  const locked = zip.read("META-INF/encryption.xml")?.toString("utf8") ?? "";
  const { title } = readProperties(description);
  return [
    {
      part: "",
      ...(title !== undefined && { title }),
      ...joinParts(readChapters(zip, readSpine(description, posix.dirname(at)), locked)),
      kind: "markdown",
    },
  ];
}

function findPackage(zip: Zip): string {
  const container = zip.read("META-INF/container.xml");
  let found: string | undefined;
  if (container)
    readXml(container, {
      open(name, attributes) {
        if (name === "rootfile") found ??= attributes["full-path"];
      },
    });
  return found ?? zip.names.find((name) => name.endsWith(".opf")) ?? "";
}

/** The paths of the chapters, without the table of contents. */
function readSpine(description: Buffer, folder: string): readonly string[] {
  const items = new Map<string, string>();
  const order: string[] = [];
  readXml(description, {
    open(name, { id = "", href = "", idref = "", properties = "", ...rest }) {
      if (name === "itemref") order.push(idref);
      else if (name === "item" && /html|^$/.test(rest["media-type"] ?? "") && !/\bnav\b/.test(properties))
        items.set(id, href);
    },
  });
  return [...new Set(order)].flatMap((id) => {
    const href = items.get(id);
    return href === undefined ? [] : [posix.join(folder, decodeHref(href.replace(/[?#].*$/, "")))];
  });
}

function decodeHref(href: string): string {
  try {
    return decodeURIComponent(href);
  } catch {
    return href;
  }
}

function* readChapters(zip: Zip, paths: readonly string[], locked: string): Generator<Part> {
  for (const [index, path] of paths.entries()) {
    if (locked.includes(path)) throw new NotReadable("It is protected against copying.");
    const bytes = zip.read(path);
    if (!bytes) continue;
    const { text } = readWebPage(asHtml(decodeText(bytes, undefined)));
    yield { text, label: /^#{1,3} (.+)$/m.exec(text.slice(0, 2_000))?.[1] ?? `chapter ${index + 1}` };
  }
}
