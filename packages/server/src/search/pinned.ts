import type { BigIntStats } from "node:fs";
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
} from "node:fs";

const O_PATH = 0o10000000;
const linux = process.platform === "linux";

/** Why a file or folder cannot be read, in words for the owner. */
export class Unreadable extends Error {
  readonly gone: boolean;

  constructor(reason: string, options: { gone?: boolean; cause?: unknown } = {}) {
    super(reason, { cause: options.cause });
    this.name = "Unreadable";
    this.gone = options.gone ?? false;
  }
}

/** A file or folder that was found at exactly its path. `path` reaches the same object whatever is swapped in meanwhile. */
export interface Pinned {
  readonly path: string;
  readonly stat: BigIntStats;
}

/** The mount under a folder's files, so that one mounted into it can be told; undefined where the system does not tell. */
export function mountOf(root: string): string | undefined {
  return pinned(root || "/", undefined, ({ path }) => (linux ? mountOfDescriptor(path) : undefined));
}

/**
 * Runs `use` on what stands at `absolute`, which must be a real path: no symbolic link in any part of it, not moved, and on the folder's own
 * mount. Nothing is opened for reading here, so a FIFO, socket or device is neither blocked on nor touched.
 *
 * Checking a path and then opening it loses a race against a swap; a descriptor opened with O_PATH names one object for good.
 */
export function pinned<T>(absolute: string, mount: string | undefined, use: (pinned: Pinned) => T): T {
  if (!linux) return pinnedByName(absolute, use);
  const fd = attempt(() => openSync(absolute, O_PATH | constants.O_NOFOLLOW));
  try {
    const path = `/proc/self/fd/${fd}`;
    const stat = fstatSync(fd, { bigint: true });
    if (stat.isSymbolicLink()) throw new Unreadable("It is a symbolic link, and those are not followed.");
    if (attempt(() => readlinkSync(path)) !== absolute)
      throw new Unreadable("A symbolic link or a move leads elsewhere.", { gone: true });
    if (mount !== undefined && mountOfDescriptor(path) !== mount)
      throw new Unreadable("It lies on another mount than its folder.");
    return use({ path, stat });
  } finally {
    closeSync(fd);
  }
}

/** Opens a pinned file for reading; it never blocks and never opens anything but a regular file. */
export function opened<T>({ path, stat }: Pinned, use: (fd: number) => T): T {
  if (!stat.isFile()) throw new Unreadable(notRegular(stat));
  // A second hard link may be the name of a file outside of the folder.
  if (stat.nlink > 1n) throw new Unreadable("It has another hard link, which may lie outside of the folder.");
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (linux ? 0 : constants.O_NOFOLLOW);
  const fd = attempt(() => openSync(path, flags));
  try {
    const now = fstatSync(fd, { bigint: true });
    if (now.ino !== stat.ino || now.dev !== stat.dev)
      throw new Unreadable("It was swapped while being opened.", { gone: true });
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

/** In words, what a thing is that is not a regular file. */
export const notRegular = (stat: BigIntStats): string =>
  stat.isFIFO()
    ? "It is a named pipe."
    : stat.isSocket()
      ? "It is a socket."
      : stat.isDirectory()
        ? "It is a folder."
        : stat.isSymbolicLink()
          ? "It is a symbolic link, and those are not followed."
          : "It is a device.";

// Where there is no /proc, the name is all there is: the checks before and after opening leave a narrow race, which docs tell.
function pinnedByName<T>(absolute: string, use: (pinned: Pinned) => T): T {
  const stat = attempt(() => lstatSync(absolute, { bigint: true }));
  if (stat.isSymbolicLink()) throw new Unreadable("It is a symbolic link, and those are not followed.");
  if (attempt(() => realpathSync.native(absolute)) !== absolute)
    throw new Unreadable("A symbolic link or a move leads elsewhere.", { gone: true });
  return use({ path: absolute, stat });
}

function mountOfDescriptor(path: string): string | undefined {
  const facts = attempt(() => readFileSync(path.replace("/fd/", "/fdinfo/"), "latin1"));
  return /^mnt_id:\s*(\d+)/m.exec(facts)?.[1];
}

function attempt<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR")
      throw new Unreadable("It is not there any more.", { gone: true, cause: error });
    if (code === "EACCES" || code === "EPERM")
      throw new Unreadable("The system does not let the server read it.", { cause: error });
    if (code === "ENAMETOOLONG") throw new Unreadable("Its path is too long.", { cause: error });
    throw new Unreadable(`It cannot be read: ${code ?? message}.`, { cause: error });
  }
}
