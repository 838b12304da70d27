import fs from "node:fs";
import { lstat } from "node:fs/promises";
import { CallError } from "@portcullis/contracts";
import { pooled } from "./engine.ts";
import { mountOf } from "./mounts.ts";
import { checkKind } from "./pin.ts";
import type { Pinned } from "./pinned.ts";
import { isErrno, refuseAmbiguous, refuseMount, refuseSpelling, refuseTarget } from "./refusals.ts";
import type { Roots } from "./roots.ts";
import { namesLike, toDiskPath } from "./spelling.ts";

/** Names a thing without opening it, see `descriptor-pin.ts`. */
const O_PATH = 0o10000000;

interface Wanted {
  readonly path: string;
  /** In NFC, as policy judged it. */
  readonly name: string;
  readonly folder: Pinned;
  readonly roots: Roots;
  readonly hardlinks: boolean;
}

interface Held {
  /** As it is written on disk. */
  readonly name: string;
  readonly pinned: Pinned;
}

/**
 * Holds the file that stands under a name of a pinned folder; undefined when nothing does. A link there is refused wherever it leads, and so
 * is what is mounted there, whatever is no regular file, and a file with other names.
 */
export async function holdReplaced({ path, name: meant, folder, roots, hardlinks }: Wanted): Promise<Held | undefined> {
  const name = await nameOnDisk(path, meant, folder);
  const pinned = await hold(path, `${folder.door}/${name}`, folder);
  if (!pinned) return undefined;
  try {
    if (pinned.stat.isSymbolicLink()) throw refuseTarget(path);
    checkKind({ path, wanted: "file", hardlinks }, pinned.stat);
    const root = roots.find(folder.real);
    if (root && !(await roots.open(root)).caseSensitive && !(await isListed(folder.door, name)))
      throw refuseSpelling(path);
    return { name, pinned };
  } catch (error) {
    pinned.close();
    throw error;
  }
}

async function nameOnDisk(path: string, name: string, { door }: Pinned): Promise<string> {
  try {
    return (await toDiskPath(door, `/${name}`)).slice(door.length + 1);
  } catch (error) {
    // Its own refusal would name the descriptor instead of the path.
    throw error instanceof CallError ? refuseAmbiguous(path) : error;
  }
}

const isListed = async (door: string, name: string): Promise<boolean> => {
  const [listed, another] = await namesLike(door, name.normalize("NFC"));
  return listed === name && another === undefined;
};

async function hold(path: string, target: string, folder: Pinned): Promise<Pinned | undefined> {
  try {
    if (folder.fd === undefined) {
      const stat = await lstat(target);
      return { real: path, stat, door: target, fd: undefined, engine: pooled, close: () => {} };
    }
    const fd = await pooled.open(target, O_PATH | fs.constants.O_NOFOLLOW);
    try {
      if ((await mountOf(fd, pooled)) !== (await mountOf(folder.fd, pooled))) throw refuseMount(path);
      const stat = await pooled.fstat(fd);
      return { real: path, stat, door: `/proc/self/fd/${fd}`, fd, engine: pooled, close: () => pooled.close(fd) };
    } catch (error) {
      pooled.close(fd);
      throw error;
    }
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}
