import { NotReadable, type ReadDocument } from "../document.ts";
import { joinParts } from "./derived-text.ts";
import { createOfficeBlocks } from "./office-blocks.ts";
import { openOffice, readProperties } from "./office-file.ts";
import { readXml } from "./xml.ts";

/** An OpenDocument text (ODF 1.3) as Markdown. Tracked deletions and remarks are left out. */
export function readOdt(bytes: Buffer): readonly ReadDocument[] {
  const zip = openOffice(bytes, "an OpenDocument text");
  if (zip.read("META-INF/manifest.xml")?.includes("encryption-data"))
    throw new NotReadable("It is protected by a password.");
  const content = zip.read("content.xml");
  if (!content) throw new NotReadable("It is no OpenDocument text.");
  const text = readContent(content);
  return [{ part: "", ...readProperties(zip.read("meta.xml")), ...joinParts([{ text }]), kind: "markdown" }];
}

interface Paragraph {
  readonly text: string[];
  readonly level?: number;
}

const skipped = new Set(["tracked-changes", "annotation", "note-citation", "automatic-styles", "sequence-decls"]);

function readContent(content: Buffer): string {
  const blocks = createOfficeBlocks();
  const paragraphs: Paragraph[] = [];
  let skipping = 0;
  let lists = 0;
  const add = (text: string): void => void paragraphs.at(-1)?.text.push(text);
  readXml(content, {
    open(name, attributes) {
      if (skipped.has(name)) skipping++;
      if (skipping > 0) return;
      if (name === "h") paragraphs.push({ text: [], level: Number(attributes["outline-level"]) || 1 });
      else if (name === "p") paragraphs.push({ text: [] });
      else if (name === "s") add(" ");
      else if (name === "tab") add(" ");
      else if (name === "line-break") add("\n");
      else if (name === "list") lists++;
      else if (name === "table") blocks.openTable();
      else if (name === "table-row") blocks.openRow();
      else if (name === "table-cell") blocks.openCell();
    },
    text(text) {
      if (skipping === 0) add(text.replace(/\s+/g, " "));
    },
    close(name) {
      if (skipped.has(name)) skipping--;
      else if (skipping > 0) return;
      else if (name === "h" || name === "p") {
        const { text = [], level } = paragraphs.pop() ?? {};
        const written = text.join("");
        if (level !== undefined) blocks.heading(level, written);
        else if (lists > 0) blocks.item(lists - 1, written);
        else blocks.paragraph(written);
      } else if (name === "list") lists--;
      else if (name === "table") blocks.closeTable();
    },
  });
  return blocks.toMarkdown();
}
