import fs from "node:fs";
import type { Folder } from "./canonical-path.ts";
import { type Engine, inline, pooled } from "./engine.ts";
import { mountOf } from "./mounts.ts";
import { folderGone } from "./refusals.ts";

/** A served folder that is open. */
interface Root {
  readonly folder: Folder;
  readonly engine: Engine;
  /** Tells its own file system from one mounted inside it, bind mounts included. Only Linux has one. */
  readonly mount: string | undefined;
  readonly device: number;
  /** False where `a` and `A` are one file, so that a path proves nothing until its spelling has been checked. */
  readonly caseSensitive: boolean;
}

/** The served folders. Each is opened at its first use and held open, so that its mount's id cannot pass to another mount. */
export interface Roots {
  /** The innermost served folder that holds a canonical path. */
  find(path: string): Folder | undefined;
  /** Throws `UPSTREAM` while the folder is not there. `again` opens it anew: it may have been mounted since. */
  open(folder: Folder, again?: "again"): Promise<Root>;
  close(): void;
}

export function createRoots(folders: readonly Folder[]): Roots {
  const innermostFirst = folders
    .map((folder) => ({ folder, path: folder.path.normalize("NFC") }))
    .sort((a, b) => b.path.length - a.path.length);
  const opened = new Map<Folder, Opened>();
  const release = (each: Opened | undefined): void => {
    if (each?.fd !== undefined) fs.closeSync(each.fd);
  };
  return {
    find: (path) => innermostFirst.find((each) => isWithin(path, each.path))?.folder,
    async open(folder, again) {
      const held = opened.get(folder);
      if (held && again === undefined) return held.root;
      const fresh = await openRoot(folder);
      release(opened.get(folder));
      opened.set(folder, fresh);
      return fresh.root;
    },
    close() {
      for (const each of opened.values()) release(each);
      opened.clear();
    },
  };
}

/** Whether a path is a folder's or lies in it; both absolute and in the same normal form. */
export const isWithin = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);

interface Opened {
  readonly root: Root;
  readonly fd: number | undefined;
}

async function openRoot(folder: Folder): Promise<Opened> {
  let fd: number | undefined;
  try {
    if (process.platform !== "linux") return { fd, root: describeRoot(folder, undefined, pooled) };
    fd = fs.openSync(folder.path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
    // A link in the folder's place would lend it another mount.
    if (fs.readlinkSync(`/proc/self/fd/${fd}`) !== folder.path) throw new Error("the folder is reached through a link");
    const engine = localDisks.has(fs.statfsSync(folder.path).type) ? inline : pooled;
    return { fd, root: describeRoot(folder, await mountOf(fd, inline), engine) };
  } catch (error) {
    if (fd !== undefined) fs.closeSync(fd);
    throw folderGone(folder.path, folder, error);
  }
}

function describeRoot(folder: Folder, mount: string | undefined, engine: Engine): Root {
  const device = fs.statSync(folder.path).dev;
  return { folder, engine, mount, device, caseSensitive: isCaseSensitive(folder.path) };
}

/** Magic numbers (statfs(2)) of what answers at once: ext, xfs, btrfs, tmpfs, overlay, zfs, f2fs, bcachefs. */
const localDisks = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010, 0xca451a4e,
]);

/** Looks some name up in the other case, without writing. A folder without a letter in its names has nothing to confuse. */
export function isCaseSensitive(folder: string): boolean {
  const entries = fs.opendirSync(folder);
  try {
    for (let entry = entries.readSync(), seen = 0; entry && seen < 100; entry = entries.readSync(), seen++) {
      const other = swapCase(entry.name);
      if (other === entry.name) continue;
      const swapped = fs.lstatSync(`${folder}/${other}`, { throwIfNoEntry: false });
      const same = fs.lstatSync(`${folder}/${entry.name}`, { throwIfNoEntry: false });
      // Two names of one inode may also be hard links on a sensitive disk; then both are listed, and no harm is done by checking more.
      return !(swapped && same && swapped.ino === same.ino && swapped.dev === same.dev);
    }
    return true;
  } finally {
    entries.closeSync();
  }
}

const swapCase = (name: string): string =>
  name.replace(/[a-zA-Z]/g, (letter) => (letter < "a" ? letter.toLowerCase() : letter.toUpperCase()));
