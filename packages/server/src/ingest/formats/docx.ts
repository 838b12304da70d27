import { NotReadable, type ReadDocument } from "../document.ts";
import { joinParts } from "./derived-text.ts";
import { createOfficeBlocks, type OfficeBlocks } from "./office-blocks.ts";
import { openOffice, readProperties } from "./office-file.ts";
import { readXml, type XmlReader } from "./xml.ts";
import type { Zip } from "./zip.ts";

/** A Word document (ECMA-376, WordprocessingML) as Markdown, with its notes at the end. Deleted and hidden text is left out. */
export function readDocx(bytes: Buffer): readonly ReadDocument[] {
  const zip = openOffice(bytes, "a Word document");
  const links = readLinks(zip, "_rels/.rels");
  const main = [...links.values()].find(({ type }) => type.endsWith("/officeDocument"))?.target ?? "word/document.xml";
  const path = main.replace(/^\//, "");
  const body = zip.read(path);
  if (!body) throw new NotReadable("It is no Word document.");
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  const name = path.slice(folder.length);
  const levels = readLevels(zip.read(`${folder}styles.xml`));
  const blocks = createOfficeBlocks();
  readXml(body, createBodyReader({ blocks, levels, links: readLinks(zip, `${folder}_rels/${name}.rels`) }));
  for (const notes of ["footnotes", "endnotes"]) {
    const part = zip.read(`${folder}${notes}.xml`);
    if (part)
      readXml(part, createBodyReader({ blocks, levels, links: readLinks(zip, `${folder}_rels/${notes}.xml.rels`) }));
  }
  return [
    {
      part: "",
      ...readProperties(zip.read("docProps/core.xml")),
      ...joinParts([{ text: blocks.toMarkdown() }]),
      kind: "markdown",
    },
  ];
}

interface Link {
  readonly type: string;
  readonly target: string;
}

function readLinks(zip: Zip, path: string): ReadonlyMap<string, Link> {
  const links = new Map<string, Link>();
  const part = zip.read(path);
  if (part)
    readXml(part, {
      open(name, { Id = "", Type = "", Target = "" }) {
        if (name === "Relationship") links.set(Id, { type: Type, target: Target });
      },
    });
  return links;
}

/** The heading level of each style that has one, by its outline level or its name, or those of the style it is based on. */
function readLevels(styles: Buffer | undefined): (style: string) => number | undefined {
  const own = new Map<string, { level?: number; base?: string }>();
  let current: { level?: number; base?: string } = {};
  if (styles)
    readXml(styles, {
      open(name, { styleId = "", val = "" }) {
        if (name === "style") {
          current = {};
          own.set(styleId, current);
        } else if (name === "basedOn") current.base = val;
        else if (name === "outlineLvl") setLevel(current, Number(val) + 1);
        else if (name === "name" && current.level === undefined)
          setLevel(current, /^title$/i.test(val) ? 1 : Number(/^heading ([1-9])$/i.exec(val)?.[1]));
      },
    });
  return (style) => {
    let at: string | undefined = style;
    for (let steps = 0; at !== undefined && steps < 20; steps++) {
      const found = own.get(at);
      if (found?.level !== undefined) return found.level;
      at = found?.base;
    }
    return own.has(style) ? undefined : Number(/^Heading([1-9])$/.exec(style)?.[1] ?? 0) || undefined;
  };
}

function setLevel(style: { level?: number }, level: number): void {
  if (level >= 1 && level <= 9) style.level = level;
}

interface Surroundings {
  readonly blocks: OfficeBlocks;
  readonly levels: (style: string) => number | undefined;
  readonly links: ReadonlyMap<string, Link>;
}

interface Paragraph {
  readonly text: string[];
  level?: number;
  depth?: number;
  link?: { readonly target: string; readonly from: number };
}

/** What is deleted or moved away, and what stands there for older programs, is not part of the text. */
const skipped = new Set(["del", "moveFrom", "Fallback", "instrText", "delText"]);
const off = /^(0|false|off)$/;

function createBodyReader({ blocks, levels, links }: Surroundings): XmlReader {
  // A text box puts paragraphs inside of a paragraph.
  const paragraphs: Paragraph[] = [];
  let skipping = 0;
  let inText = 0;
  let inRun = false;
  let hidden = false;
  let note: string | undefined;

  const add = (text: string): void => {
    if (skipping === 0 && !hidden) paragraphs.at(-1)?.text.push(text);
  };
  const finish = ({ text, level, depth }: Paragraph): void => {
    const written = text.join("");
    if (note !== undefined && written.trim() !== "") {
      blocks.paragraph(`${note}${written}`);
      note = "";
    } else if (level !== undefined) blocks.heading(level, written);
    else if (depth !== undefined) blocks.item(depth, written);
    else blocks.paragraph(written);
  };

  return {
    open(name, attributes) {
      if (skipped.has(name)) skipping++;
      if (skipping > 0) return;
      const paragraph = paragraphs.at(-1);
      const { val = "", id = "" } = attributes;
      if (name === "p") paragraphs.push({ text: [] });
      else if (name === "t") inText++;
      else if (name === "r") inRun = true;
      else if (name === "vanish") hidden = inRun && !off.test(val);
      else if (name === "tab" && inRun) add(" ");
      else if (name === "br" || name === "cr") add("\n");
      else if (name === "noBreakHyphen") add("-");
      else if (name === "footnoteReference" || name === "endnoteReference") add(`[^${noteName(name, id)}]`);
      else if (name === "footnote" || name === "endnote") note = `[^${noteName(name, id)}]: `;
      else if (name === "tbl") blocks.openTable();
      else if (name === "tr") blocks.openRow();
      else if (name === "tc") blocks.openCell();
      else if (paragraph) {
        if (name === "pStyle") setHeading(paragraph, levels(val));
        else if (name === "outlineLvl") setHeading(paragraph, Number(val) < 9 ? Number(val) + 1 : undefined);
        else if (name === "ilvl") paragraph.depth = Number(val) || 0;
        else if (name === "numId") {
          if (val === "0") delete paragraph.depth;
          else paragraph.depth ??= 0;
        } else if (name === "hyperlink") {
          const target = links.get(id)?.target ?? "";
          if (/^(https?|mailto):[^\s()<>]+$/i.test(target)) paragraph.link = { target, from: paragraph.text.length };
        }
      }
    },
    text(text) {
      if (inText > 0) add(text);
    },
    close(name) {
      if (skipped.has(name)) skipping--;
      else if (skipping > 0) return;
      else if (name === "p") {
        const paragraph = paragraphs.pop();
        if (paragraph) finish(paragraph);
      } else if (name === "t") inText--;
      else if (name === "r") inRun = hidden = false;
      else if (name === "tbl") blocks.closeTable();
      else if (name === "hyperlink") closeLink(paragraphs.at(-1));
      else if (name === "footnote" || name === "endnote") note = undefined;
    },
  };
}

const noteName = (element: string, id: string): string => (element.startsWith("end") ? `e${id}` : id);

function setHeading(paragraph: Paragraph, level: number | undefined): void {
  if (level !== undefined) paragraph.level = level;
}

function closeLink(paragraph: Paragraph | undefined): void {
  if (!paragraph?.link) return;
  const { target, from } = paragraph.link;
  const words = paragraph.text.splice(from).join("");
  paragraph.text.push(words.trim() === "" ? words : `[${words}](${target})`);
  delete paragraph.link;
}
