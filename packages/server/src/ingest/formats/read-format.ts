import { NotReadable, type ReadDocument } from "../document.ts";
import { type FormatName, formats } from "./format-of.ts";

/** Reads a file's bytes. Throws `NotReadable`, or whatever its parser throws on bytes that break it. `path` is for naming only. */
export type ReadFormat = (bytes: Buffer, path: string) => Promise<readonly ReadDocument[]> | readonly ReadDocument[];

// Loaded when first needed: the server itself never needs most of them, and they are large.
const readers: Readonly<Record<FormatName, () => Promise<ReadFormat>>> = {
  html: async () => (await import("./html.ts")).readHtml,
  pdf: async () => (await import("./pdf.ts")).readPdf,
  docx: async () => (await import("./docx.ts")).readDocx,
  odt: async () => (await import("./odt.ts")).readOdt,
  epub: async () => (await import("./epub.ts")).readEpub,
  notebook: async () => (await import("./notebook.ts")).readNotebook,
  mail: async () => (await import("./mail.ts")).readMail,
  mbox: async () => (await import("./mbox.ts")).readMbox,
  json: async () => (await import("./own-bytes.ts")).readJson,
  lines: async () => (await import("./own-bytes.ts")).readLines,
  "utf-16": async () => (await import("./utf-16.ts")).readUtf16,
};

/**
 * Reads a file in this thread. Whatever its bytes do to the parser, it rejects with `NotReadable` alone; but it may take long and much memory when
 * the format is one that is read apart: those go through the sandbox.
 */
export async function readFormat(name: FormatName, bytes: Buffer, path: string): Promise<readonly ReadDocument[]> {
  const { title, largest } = formats[name];
  if (bytes.length > largest) throw new NotReadable(`It is larger than ${largest / 1024 / 1024} MB.`);
  const read = await readers[name]();
  try {
    return await read(bytes, path);
  } catch (error) {
    if (error instanceof NotReadable) throw error;
    // Only a stack that overflows says this; parsers throw errors of their own for the rest.
    if (error instanceof RangeError && /call stack/i.test(error.message))
      throw new NotReadable("It is nested too deeply.", { cause: error });
    throw new NotReadable(`It is damaged: it cannot be read as ${title}.`, { cause: error });
  }
}
