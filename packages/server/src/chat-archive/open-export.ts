import { createReadStream, opendirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { Readable } from "node:stream";
import { crc32 } from "node:zlib";
import { type Entry, openPromise, type ZipFile } from "yauzl";

/** A file of an export that may hold conversations. */
export interface ExportPart {
  /** Its own name, without folders. */
  readonly name: string;
  /** Bytes, unpacked. */
  readonly size: number;
  /** Its bytes, unpacked and checked, a piece at a time. Fails with `NotAnExport` where they are not what the archive says. */
  pieces(): AsyncIterable<Buffer>;
}

export interface OpenExport {
  readonly parts: readonly ExportPart[];
  /** How many other files it has (pictures, the account's own data): none of them is ever opened. */
  readonly others: number;
  close(): void;
}

/** A file or folder that is no export that can be taken; `next` says what to do. */
export class NotAnExport extends Error {
  override readonly name = "NotAnExport";
  readonly next: string;

  constructor(message: string, next: string) {
    super(message);
    this.next = next;
  }
}

/** In bytes, unpacked: of one file, and of all. An archive of more is refused before anything is unpacked. */
const limits = { part: 4 * 1024 ** 3, all: 8 * 1024 ** 3, entries: 200_000 } as const;
/** Chats pack to a tenth, seldom to a fiftieth: what unpacks to more than this times its size is a bomb, unless it is small. */
const ratio = { most: 250, small: 16 * 1024 ** 2 } as const;

const again = "Download the export anew and import that.";
const wanted = /^(conversations(-\d+)?(\s*\(\d+\))?\.jsonl?|projects\.json|memories\.json)$/i;

/** Opens an export as it was downloaded (a zip archive) or unpacked (a folder). Throws `NotAnExport`. */
export async function openExport(path: string): Promise<OpenExport> {
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (error) {
    const why =
      (error as NodeJS.ErrnoException).code === "ENOENT" ? "there is nothing there" : (error as Error).message;
    throw new NotAnExport(`${path} cannot be read: ${why}.`, "Name the zip file that was downloaded, or its folder.");
  }
  return isFolder ? openFolder(path) : openArchive(path);
}

function openFolder(path: string): OpenExport {
  const parts: ExportPart[] = [];
  let others = 0;
  const folder = opendirSync(path);
  try {
    for (let entry = folder.readSync(); entry; entry = folder.readSync()) {
      // A link may lead to what the owner never meant to give.
      if (!entry.isFile() || !wanted.test(entry.name)) {
        others++;
        continue;
      }
      const file = join(path, entry.name);
      const { size } = statSync(file);
      parts.push({ name: entry.name, size, pieces: () => createReadStream(file, { highWaterMark: 1 << 20 }) });
    }
  } finally {
    folder.closeSync();
  }
  checkSizes(parts);
  return { parts: byName(parts), others, close: () => {} };
}

async function openArchive(path: string): Promise<OpenExport> {
  let zip: ZipFile;
  try {
    zip = await openPromise(path, { lazyEntries: true, autoClose: false, strictFileNames: false });
  } catch (error) {
    throw toRefusal(path, error);
  }
  try {
    const parts = new Map<string, ExportPart>();
    let others = 0;
    let entries = 0;
    for await (const entry of zip.eachEntry()) {
      if (++entries > limits.entries)
        throw new NotAnExport(`${path} has more than ${limits.entries} files, which no export has.`, again);
      const name = basename(entry.fileName);
      if (entry.fileName.endsWith("/") || !wanted.test(name) || entry.fileName.split("/").length > 2) {
        others++;
        continue;
      }
      checkEntry(path, entry);
      if (parts.has(name)) throw new NotAnExport(`${path} has two files named ${name}.`, again);
      parts.set(name, { name, size: entry.uncompressedSize, pieces: () => unpack(path, zip, entry) });
    }
    checkSizes([...parts.values()]);
    return { parts: byName([...parts.values()]), others, close: () => zip.close() };
  } catch (error) {
    zip.close();
    throw toRefusal(path, error);
  }
}

/** Unix' file type in an entry's attributes, where that is not a plain file's. */
const isSpecial = ({ externalFileAttributes, versionMadeBy }: Entry): boolean => {
  const type = (externalFileAttributes >>> 28) & 0xf;
  return versionMadeBy >>> 8 === 3 && type !== 0 && type !== 8;
};

function checkEntry(path: string, entry: Entry): void {
  const { fileName, compressedSize, uncompressedSize } = entry;
  if (entry.isEncrypted())
    throw new NotAnExport(
      `${path} is protected by a password: ${fileName} is encrypted.`,
      "Unpack it yourself, and import the folder.",
    );
  if (isSpecial(entry)) throw new NotAnExport(`${fileName} in ${path} is no plain file.`, again);
  if (uncompressedSize > Math.max(ratio.small, compressedSize * ratio.most))
    throw new NotAnExport(
      `${fileName} in ${path} would unpack to ${uncompressedSize} bytes from ${compressedSize}: that is a bomb and no chat.`,
      again,
    );
}

function checkSizes(parts: readonly ExportPart[]): void {
  const all = parts.reduce((sum, { size }) => sum + size, 0);
  const large = parts.find(({ size }) => size > limits.part);
  if (large)
    throw new NotAnExport(`${large.name} has more than ${limits.part / 1024 ** 3} GiB.`, "Import it in parts.");
  if (all > limits.all)
    throw new NotAnExport(`Its chats have more than ${limits.all / 1024 ** 3} GiB.`, "Import it in parts.");
}

/** The library holds the stream to the sizes that the archive names; the checksum is held here. */
async function* unpack(path: string, zip: ZipFile, entry: Entry): AsyncGenerator<Buffer> {
  let sum = 0;
  try {
    const stream: Readable = await zip.openReadStreamPromise(entry);
    for await (const piece of stream as AsyncIterable<Buffer>) {
      sum = crc32(piece, sum);
      yield piece;
    }
  } catch (error) {
    throw toRefusal(path, error);
  }
  if (sum !== entry.crc32)
    throw new NotAnExport(`${entry.fileName} in ${path} is damaged: its checksum is another.`, again);
}

/** What the library and the unpacking say of a file, in words for its owner. Other faults (a disk that fails) stay what they are. */
function toRefusal(path: string, error: unknown): unknown {
  const { message, code } = error as NodeJS.ErrnoException;
  if (error instanceof NotAnExport || (code !== undefined && !/^(Z_|ERR_BUFFER)/.test(code))) return error;
  if (/end of central directory|invalid comment length|central directory file header|unexpected EOF/i.test(message))
    return new NotAnExport(`${path} is no zip archive, or not all of one.`, again);
  if (/invalid relative path|absolute path|invalid characters in fileName/i.test(message))
    return new NotAnExport(`${path} names a file outside of itself (${message}), so nothing of it is taken.`, again);
  return new NotAnExport(`${path} is damaged: ${message}.`, again);
}

const byName = (parts: readonly ExportPart[]): readonly ExportPart[] =>
  [...parts].sort((a, b) => (a.name < b.name ? -1 : 1));
