import { createHash } from "node:crypto";
import { NotReadable, type ReadDocument } from "../document.ts";
import { mostText } from "./derived-text.ts";
import { readMessage } from "./mail.ts";

const mostMessages = 20_000;

/** A mailbox (RFC 4155, and mboxrd's quoting), a document per mail. A mail that cannot be read is left out. */
export async function readMbox(bytes: Buffer): Promise<readonly ReadDocument[]> {
  if (bytes.length === 0) throw new NotReadable("It is empty.");
  if (!bytes.subarray(0, 5).equals(mark)) throw new NotReadable("It is not a mailbox.");
  const documents: ReadDocument[] = [];
  const parts = new Set<string>();
  let size = 0;
  for (const message of toMessages(bytes)) {
    const document = await readOne(message);
    if (!document) continue;
    size += document.text?.length ?? 0;
    if (size > mostText) throw new NotReadable(`It holds more than ${mostText / 1024 / 1024} MB of text.`);
    const named = document.sections[0]?.id ?? createHash("sha256").update(message).digest("base64url").slice(0, 22);
    // The same mail twice, in one box, is one document.
    if (parts.has(named)) continue;
    parts.add(named);
    documents.push({ ...document, part: named });
    if (documents.length > mostMessages) throw new NotReadable(`It holds more than ${mostMessages} mails.`);
  }
  if (documents.length === 0) throw new NotReadable("It is damaged: none of its mails can be read.");
  return documents;
}

async function readOne(message: Buffer): Promise<ReadDocument | undefined> {
  try {
    return await readMessage(message, "");
  } catch (error) {
    if (error instanceof NotReadable) return undefined;
    throw error;
  }
}

const mark = Buffer.from("From ");

function* toMessages(bytes: Buffer): Generator<Buffer> {
  for (let start = 0; start < bytes.length; ) {
    const end = findNext(bytes, start);
    const line = bytes.indexOf("\n", start);
    if (line >= 0 && line < end) yield unquote(bytes.subarray(line + 1, end));
    start = end;
  }
}

/** Where the next message's "From " line begins: after a blank line. */
function findNext(bytes: Buffer, start: number): number {
  for (let at = bytes.indexOf("\nFrom ", start); at >= 0; at = bytes.indexOf("\nFrom ", at + 1)) {
    const before = bytes[at - 1] === 0x0d ? at - 2 : at - 1;
    if (bytes[before] === 0x0a) return at + 1;
  }
  return bytes.length;
}

const unquote = (message: Buffer): Buffer =>
  message.includes("\n>From ")
    ? Buffer.from(message.toString("latin1").replace(/^>(>*From )/gm, "$1"), "latin1")
    : message;
