import PostalMime, { type Address, type Email } from "postal-mime";
import { NotReadable, type ReadDocument } from "../document.ts";
import { joinParts } from "./derived-text.ts";
import { readWebPage } from "./html.ts";
import { isPlausible } from "./office-file.ts";
import { isWords } from "./plain-words.ts";

/** One mail (RFC 5322): who wrote when to whom, its text, and the names of what is attached. */
export async function readMail(bytes: Buffer): Promise<readonly ReadDocument[]> {
  if (bytes.length === 0) throw new NotReadable("It is empty.");
  return [await readMessage(bytes, "")];
}

/** Reads a message; throws `NotReadable` for bytes that are none. */
export async function readMessage(bytes: Buffer, part: string): Promise<ReadDocument> {
  const mail = await parse(bytes);
  const { subject, from, sender, date, messageId } = mail;
  if (!from && !sender && !subject && !date && !messageId) throw new NotReadable("It is no mail: it has no headers.");
  const body = readBody(mail);
  const time = Date.parse(date ?? "");
  const title = oneLine(subject ?? "").slice(0, 500);
  const author = from ?? sender;
  const text = [writeHead(mail), body.text].join("\n\n");
  const label = [author && (author.name || author.address), isPlausible(time) && toMinute(time)].filter(Boolean);
  const id = messageId?.replace(/[<>\s]/g, "").slice(0, 500);
  return {
    part,
    ...(title !== "" && { title }),
    ...(isPlausible(time) && { time }),
    ...joinParts([
      { text, label: oneLine(label.join(", ")) || "message", ...(id && { id }), ...(isPlausible(time) && { time }) },
    ]),
    kind: body.kind,
  };
}

async function parse(bytes: Buffer): Promise<Email> {
  try {
    // Copied since the parser keeps views of what it is given.
    return await PostalMime.parse(new Uint8Array(bytes), { maxNestingDepth: 64, maxHeadersSize: 1024 * 1024 });
  } catch (cause) {
    throw new NotReadable("It is damaged: it cannot be read as a mail.", { cause });
  }
}

function readBody({ text = "", html = "" }: Email): Pick<ReadDocument, "kind"> & { readonly text: string } {
  if (text.trim() !== "" || html.trim() === "") {
    if (!isWords(text)) throw new NotReadable("It is binary, not a mail.");
    return { text, kind: "text" };
  }
  return { text: readWebPage(html).text, kind: "markdown" };
}

function writeHead({ from, sender, to, cc, date, attachments }: Email): string {
  const author = from ?? sender;
  const time = Date.parse(date ?? "");
  const names = attachments.flatMap(({ filename }) => (filename ? [filename] : [])).slice(0, 100);
  const lines = [
    ["From", author ? [author] : []],
    ["To", to ?? []],
    ["Cc", cc ?? []],
  ].map(
    ([name, people]) => `${name as string}: ${(people as readonly Address[]).slice(0, 50).map(writePerson).join(", ")}`,
  );
  return [...lines, `Date: ${isPlausible(time) ? toMinute(time) : (date ?? "")}`, `Attachments: ${names.join(", ")}`]
    .map(oneLine)
    .filter((line) => !line.endsWith(":"))
    .join("\n");
}

const writePerson = ({ name, address }: Address): string =>
  !address || name === address ? name || (address ?? "") : name ? `${name} <${address}>` : address;

const oneLine = (text: string): string => text.replace(/\s+/g, " ").trim().slice(0, 4_000);

/** In UTC: "2024-05-01 10:12". */
const toMinute = (time: number): string => new Date(time).toISOString().slice(0, 16).replace("T", " ");
