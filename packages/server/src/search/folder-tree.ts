import { type BigIntStats, type Dirent, lstatSync, readdirSync, readSync } from "node:fs";
import type { FileStamp } from "../stores/store.ts";
import { mountOf, notRegular, opened, type Pinned, pinned, Unreadable } from "./pinned.ts";

/** What stands at a path: a file to look at, a folder, or something that is not indexed, with the reason. */
export type Finding =
  | { readonly kind: "file"; readonly stamp: FileStamp }
  | { readonly kind: "folder" }
  | { readonly kind: "other"; readonly stamp: FileStamp; readonly reason: string };

/** Reads a served folder, never leaving it. Paths are relative, with `/`; "" is the folder itself. All throw `Unreadable`. */
export interface FolderTree {
  readonly root: string;
  /** What the folder holds, its children by name. */
  list(folder: string): readonly { readonly name: string; readonly finding: Finding }[];
  find(path: string): Finding;
  /** The bytes `[start, end)` of a file; fewer when it ends before. With `stamp`, only as long as the file still has it. */
  readSpan(path: string, start: number, end: number, stamp?: FileStamp): Buffer;
}

/** The tree of a folder given by its real path. */
export function createFolderTree(root: string): FolderTree {
  // Looked up at each use until it is known: the folder may be missing at start.
  let mount: string | undefined;
  const at = <T>(path: string, use: (pinned: Pinned) => T): T => {
    mount ??= mountOf(root);
    const absolute = path === "" ? root || "/" : `${root}/${path}`;
    try {
      return pinned(absolute, mount, use);
    } catch (error) {
      // The folder itself may have been mounted anew.
      const now = error instanceof Unreadable ? mountOf(root) : mount;
      if (now === mount) throw error;
      mount = now;
      return pinned(absolute, mount, use);
    }
  };
  return {
    root,
    list: (folder) =>
      at(folder, ({ path, stat }) => {
        if (!stat.isDirectory()) throw new Unreadable("It is not a folder.", { gone: true });
        return entriesOf(path).flatMap(({ name }) => {
          const finding = findingOf(() => lstatSync(`${path}/${name}`, { bigint: true }));
          return finding ? [{ name, finding }] : [];
        });
      }),
    find: (path) => at(path, ({ stat }) => toFinding(stat)),
    readSpan: (path, start, end, stamp) =>
      at(path, (pin) => {
        if (stamp && !isSameStamp(toStamp(pin.stat), stamp)) throw new Unreadable("It has changed while it was read.");
        return opened(pin, (fd) => readUpTo(fd, start, end - start));
      }),
  };
}

function entriesOf(path: string): readonly Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Unreadable(`The folder cannot be listed: ${code ?? message}.`, { gone: code === "ENOENT", cause: error });
  }
}

function findingOf(stat: () => BigIntStats): Finding | undefined {
  try {
    return toFinding(stat());
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // Gone since it was listed, or a name that is not UTF-8 and so cannot be spelled.
    if (code === "ENOENT") return undefined;
    return { kind: "other", stamp: noStamp, reason: `It cannot be looked at: ${code ?? message}.` };
  }
}

function toFinding(stat: BigIntStats): Finding {
  const stamp = toStamp(stat);
  if (stat.isDirectory()) return { kind: "folder" };
  if (!stat.isFile()) return { kind: "other", stamp, reason: notRegular(stat) };
  if (stat.nlink > 1n)
    return { kind: "other", stamp, reason: "It has another hard link, which may lie outside of the folder." };
  return { kind: "file", stamp };
}

/** A stamp that no file has: what carries it is looked at again. */
export const noStamp: FileStamp = { size: 0, mtimeNs: -1n, ino: 0n };

const toStamp = (stat: BigIntStats): FileStamp => ({ size: Number(stat.size), mtimeNs: stat.mtimeNs, ino: stat.ino });

export const isSameStamp = (a: FileStamp, b: FileStamp): boolean =>
  a.size === b.size && a.mtimeNs === b.mtimeNs && a.ino === b.ino;

function readUpTo(fd: number, from: number, most: number): Buffer {
  const pieces: Buffer[] = [];
  let got = 0;
  while (got < most) {
    const piece = Buffer.allocUnsafe(Math.min(65_536, most - got));
    const count = readSync(fd, piece, 0, piece.length, from + got);
    if (count === 0) break;
    pieces.push(piece.subarray(0, count));
    got += count;
  }
  return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces, got);
}
