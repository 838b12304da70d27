import { constants, crc32, inflateRawSync } from "node:zlib";
import { NotReadable } from "../document.ts";

export interface Zip {
  readonly names: readonly string[];
  /** An entry's bytes, undefined when there is none of that name. Throws `NotReadable` when it is damaged or unpacks to too much. */
  read(name: string): Buffer | undefined;
}

interface Entry {
  readonly method: number;
  readonly flags: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
}

const mostEntries = 20_000;
/** In bytes: of one entry, and of all that are read. */
const limits = { entry: 64 * 1024 * 1024, all: 192 * 1024 * 1024 } as const;
/** What unpacks to more than this times its size is a bomb, unless it is small. */
const ratio = { most: 400, small: 4 * 1024 * 1024 } as const;

const damaged = (): NotReadable => new NotReadable("It is damaged: its archive cannot be unpacked.");

/**
 * Opens a zip archive (APPNOTE 6.3.10) by its central directory. Sizes are held to what really unpacks, not to what the directory says, and
 * checksums are checked.
 */
export function openZip(bytes: Buffer): Zip {
  const entries = readDirectory(bytes);
  let unpacked = 0;
  return {
    names: [...entries.keys()],
    read(name) {
      const entry = entries.get(name);
      if (!entry) return undefined;
      const data = unpack(bytes, entry, Math.min(limits.entry, limits.all - unpacked));
      unpacked += data.length;
      return data;
    },
  };
}

function readDirectory(bytes: Buffer): ReadonlyMap<string, Entry> {
  const end = findEnd(bytes);
  const size = bytes.readUInt32LE(end + 12);
  // A file may stand before the archive: offsets are then counted from the archive's own start.
  const start = size <= end ? end - size : -1;
  const claimed = bytes.readUInt32LE(end + 16);
  const at = start >= 0 && isSignature(bytes, start, 0x02014b50) ? start : claimed;
  const shift = at === start && claimed !== 0xffffffff ? start - claimed : 0;
  const entries = new Map<string, Entry>();
  for (let position = at; isSignature(bytes, position, 0x02014b50); ) {
    if (position + 46 > bytes.length || entries.size >= mostEntries) throw damaged();
    const nameEnd = position + 46 + bytes.readUInt16LE(position + 28);
    const extraEnd = nameEnd + bytes.readUInt16LE(position + 30);
    const next = extraEnd + bytes.readUInt16LE(position + 32);
    if (next > bytes.length) throw damaged();
    const name = bytes.toString("utf8", position + 46, nameEnd).replaceAll("\\", "/");
    const sized = readSizes(bytes, position, bytes.subarray(nameEnd, extraEnd));
    if (!entries.has(name)) {
      entries.set(name, {
        flags: bytes.readUInt16LE(position + 8),
        method: bytes.readUInt16LE(position + 10),
        crc: bytes.readUInt32LE(position + 16),
        ...sized,
        offset: sized.offset + shift,
      });
    }
    position = next;
  }
  if (entries.size === 0) throw damaged();
  return entries;
}

function findEnd(bytes: Buffer): number {
  for (let at = bytes.length - 22; at >= Math.max(0, bytes.length - 22 - 0xffff); at--)
    if (isSignature(bytes, at, 0x06054b50)) return at;
  throw damaged();
}

const isSignature = (bytes: Buffer, at: number, signature: number): boolean =>
  at >= 0 && at + 4 <= bytes.length && bytes.readUInt32LE(at) === signature;

/** Sizes and offset, from the Zip64 field where the entry points to it (4.5.3). */
function readSizes(bytes: Buffer, at: number, extra: Buffer): Pick<Entry, "packed" | "size" | "offset"> {
  const sizes = [bytes.readUInt32LE(at + 24), bytes.readUInt32LE(at + 20), bytes.readUInt32LE(at + 42)];
  for (let field = 0; field + 4 <= extra.length; field += 4 + extra.readUInt16LE(field + 2)) {
    if (extra.readUInt16LE(field) !== 1) continue;
    let place = field + 4;
    for (const [index, size] of sizes.entries()) {
      if (size !== 0xffffffff) continue;
      if (place + 8 > extra.length) throw damaged();
      sizes[index] = Number(extra.readBigUInt64LE(place));
      place += 8;
    }
  }
  const [size = 0, packed = 0, offset = 0] = sizes;
  return { size, packed, offset };
}

function unpack(bytes: Buffer, entry: Entry, most: number): Buffer {
  const { method, flags, crc, packed, size, offset } = entry;
  if (flags & 1) throw new NotReadable("It is protected by a password.");
  if (!isSignature(bytes, offset, 0x04034b50) || offset + 30 > bytes.length) throw damaged();
  const start = offset + 30 + bytes.readUInt16LE(offset + 26) + bytes.readUInt16LE(offset + 28);
  if (start + packed > bytes.length) throw damaged();
  const bound = Math.min(most, Math.max(ratio.small, packed * ratio.most));
  if (size > bound) throw tooMuch();
  const raw = bytes.subarray(start, start + packed);
  let data: Buffer;
  if (method === 0) data = raw;
  else if (method === 8) data = inflate(raw, bound);
  else throw new NotReadable("Its archive is packed in a way that is not read here.");
  if (data.length > bound) throw tooMuch();
  if (data.length !== size || crc32(data) !== crc) throw damaged();
  return data;
}

function inflate(raw: Buffer, most: number): Buffer {
  try {
    return inflateRawSync(raw, { maxOutputLength: Math.max(1, most), finishFlush: constants.Z_SYNC_FLUSH });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE" ? tooMuch() : damaged();
  }
}

const tooMuch = (): NotReadable => new NotReadable("It unpacks to more than is read of one file.");
