import { createHash, hash } from "node:crypto";
import { formatOf } from "../ingest/formats/format-of.ts";
import { headBytes, type OpenFile } from "../ingest/read-file.ts";
import type { FileStamp } from "../stores/store.ts";
import type { FolderTree } from "./folder-tree.ts";
import { largestFile } from "./text-kind.ts";

/** A file of a served folder while it is read, and the hash of what was read of it. */
export interface FileBeingRead extends OpenFile {
  /** Whether it is read at once; a larger one a piece at a time. */
  readonly small: boolean;
  /** SHA-256 in hex, once it has been read to its end. */
  sha256(): string;
}

const piece = 1_048_576;
const none = new Uint8Array(0);

/** Reads a file for as long as it is the one with this stamp; all throw `Unreadable`. */
export function openFile(tree: FolderTree, path: string, stamp: FileStamp): FileBeingRead {
  const { size } = stamp;
  const small = size <= Math.max(largestFile, formatOf(path, none)?.largest ?? 0);
  const span = (start: number, end: number): Buffer => tree.readSpan(path, start, end, stamp);
  let read: Buffer | undefined;
  let hashed = "";
  const whole = (): Buffer => {
    read ??= span(0, size);
    return read;
  };
  return {
    path,
    size,
    small,
    head: small ? whole().subarray(0, headBytes) : span(0, headBytes),
    whole,
    *pieces() {
      const hashing = createHash("sha256");
      for (let start = 0; start < size; start += piece) {
        const bytes = read?.subarray(start, start + piece) ?? span(start, Math.min(size, start + piece));
        hashing.update(bytes);
        yield bytes;
      }
      hashed = hashing.digest("hex");
    },
    sha256() {
      if (hashed === "" && small) hashed = hash("sha256", whole());
      return hashed;
    },
  };
}
