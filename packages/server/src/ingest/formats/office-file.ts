import { NotReadable, type ReadDocument } from "../document.ts";
import { usableTitle } from "./usable-title.ts";
import { readXml } from "./xml.ts";
import { openZip, type Zip } from "./zip.ts";

/** Opens a document that is a zip archive; throws `NotReadable` with what it is instead. */
export function openOffice(bytes: Buffer, title: string): Zip {
  if (bytes.length === 0) throw new NotReadable("It is empty.");
  // Microsoft's older container, in which encrypted documents come too ([MS-OFFCRYPTO]).
  if (bytes.length > 8 && bytes.readUInt32BE(0) === 0xd0cf11e0)
    throw new NotReadable("It is protected by a password, or in the format of Word before 2007.");
  if (bytes.toString("latin1", 0, 2) !== "PK") throw new NotReadable(`It is not ${title}.`);
  return openZip(bytes);
}

/** A document's own title and the time of its last change, from its properties (Dublin Core's names). */
export function readProperties(properties: Buffer | undefined): Pick<ReadDocument, "title" | "time"> {
  const found: Record<string, string> = {};
  let open = "";
  if (properties)
    readXml(properties, {
      open: (name) => {
        open = name;
      },
      text: (text) => {
        if ((open === "title" || open === "modified" || open === "date") && (found[open]?.length ?? 0) < 1_000)
          found[open] = (found[open] ?? "") + text;
      },
      close: () => {
        open = "";
      },
    });
  const title = usableTitle(found.title);
  const time = Date.parse(found.modified ?? found.date ?? "");
  return { ...(title !== undefined && { title }), ...(isPlausible(time) && { time }) };
}

/** False for what is no time, and for the zeros that programs write when they know none. */
export const isPlausible = (time: number): boolean => time > Date.UTC(1980, 0, 2) && time < Date.UTC(2100, 0);
