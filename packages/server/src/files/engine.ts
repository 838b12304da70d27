import fs, { type Stats } from "node:fs";
import { promisify } from "node:util";

type Now<T> = T | Promise<T>;

/** The system calls that a pin is made of. Both engines run the same code: awaiting a value that is already there costs nothing. */
export interface Engine {
  open(path: string, flags: number): Now<number>;
  readlink(path: string): Now<string>;
  fstat(fd: number): Now<Stats>;
  lstat(path: string): Now<Stats>;
  /** At most `length` bytes at `position` into the start of `buffer`. */
  read(fd: number, buffer: Uint8Array, at: { readonly length: number; readonly position: number }): Now<number>;
  realpath(path: string): Now<string>;
  close(fd: number): void;
}

/** Calls on this thread: microseconds each on a local disk, where the thread pool would cost ten times as much. */
export const inline: Engine = {
  open: (path, flags) => fs.openSync(path, flags),
  readlink: (path) => fs.readlinkSync(path),
  fstat: (fd) => fs.fstatSync(fd),
  lstat: (path) => fs.lstatSync(path),
  read: (fd, buffer, { length, position }) => fs.readSync(fd, buffer, 0, length, position),
  realpath: (path) => fs.realpathSync.native(path),
  close: (fd) => fs.closeSync(fd),
};

const openLater = promisify(fs.open);
const readlinkLater = promisify(fs.readlink);
const fstatLater = promisify(fs.fstat);
const lstatLater = promisify(fs.lstat);

/** Calls in the thread pool: for what may hang (a network's disk) or take long (a large file). */
export const pooled: Engine = {
  open: (path, flags) => openLater(path, flags),
  readlink: (path) => readlinkLater(path),
  fstat: (fd) => fstatLater(fd),
  lstat: (path) => lstatLater(path),
  read: async (fd, buffer, { length, position }) => {
    const { bytesRead } = await promisify(fs.read)(fd, buffer, 0, length, position);
    return bytesRead;
  },
  realpath: (path) => promisify(fs.realpath.native)(path),
  close: (fd) => fs.close(fd, () => {}),
};
