import { constants, type Stats } from "node:fs";
import { type FileHandle, link, lstat, open, readlink, realpath, rename, unlink } from "node:fs/promises";
import { basename, dirname } from "node:path/posix";
import { CallError } from "@portcullis/contracts";
import { ulid } from "ulid";
import { pin } from "./pin.ts";
import type { Pinned } from "./pinned.ts";
import { readPinned } from "./read-pinned.ts";
import { isErrno, refusePath, unwritable } from "./refusals.ts";
import { holdReplaced } from "./replaced-file.ts";
import { isWithin, type Roots } from "./roots.ts";
import { digest, syncFolder, type Versions } from "./versions.ts";

export interface Replacement {
  /** Canonical, and already allowed by policy. */
  readonly path: string;
  readonly content: Uint8Array;
  readonly roots: Roots;
  /** Where the old version is kept before it goes. */
  readonly versions: Pick<Versions, "keep">;
  /** Real paths at and below which nothing may be written: the server's own data. */
  readonly closed: readonly string[];
  /** The largest file that may be replaced. */
  readonly most: number;
  readonly signal: AbortSignal;
  readonly hardlinks?: boolean;
  /** Writes only where there is nothing yet. */
  readonly mustBeNew?: boolean;
  /** SHA-256 of what is to be replaced. */
  readonly ifMatch?: string | undefined;
  /** For a file that is new; one that is replaced keeps its own. */
  readonly mode?: number;
  /** Whether policy allows the same use of another path: the real one, behind links among the folders. */
  allows(path: string): boolean;
  /** Looks at what is to be replaced, and throws when it may not be. */
  look?(old: Buffer): void;
  /** Given only where the system is not the one that runs. */
  readonly hold?: typeof pin;
}

export interface Replaced {
  readonly real: string;
  readonly created: boolean;
  /** The id of the old version, when there was one. */
  readonly version: string | undefined;
  readonly sha256: string;
}

/**
 * Puts a file in the place of another, or of nothing, in one step: whoever reads sees the old one or the new one, whole, and after a crash
 * too. The folder is pinned and everything happens through its descriptor, so no swap of a folder or a link leads elsewhere; the name itself
 * is never followed. The old content is kept among the versions first.
 *
 * Throws without having changed anything.
 */
export async function replaceFile(request: Replacement): Promise<Replaced> {
  const { path, roots, allows } = request;
  const folderPath = dirname(path);
  const name = basename(path);
  if (name === "") throw wrongKind(path);
  const folder = await (request.hold ?? pin)({
    path: folderPath,
    wanted: "folder",
    roots,
    allows: (real) => allows(join(real, name)),
  });
  try {
    const real = join(folder.real, name);
    checkPlace(request, real);
    const old = await holdReplaced({ path, name, folder, roots, hardlinks: request.hardlinks ?? false });
    try {
      const { version, mode } = await judgeOld(request, real, old?.pinned);
      await put(request, { folder, target: `${folder.door}/${old?.name ?? name}`, old: old?.pinned.stat, mode });
      return { real, created: old === undefined, version, sha256: await digest(request.content) };
    } finally {
      old?.pinned.close();
    }
  } catch (error) {
    throw error instanceof Error && "syscall" in error ? unwritable(path, error) : error;
  } finally {
    folder.close();
  }
}

const join = (folder: string, name: string): string => `${folder === "/" ? "" : folder}/${name}`;

/** Letters that some file systems pass over when they compare names. */
const unseen = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

function checkPlace({ path, roots, closed }: Replacement, real: string): void {
  if (!roots.find(real)) {
    throw refusePath({
      reason: "outside",
      message: `${path} lies in no served folder, and nothing is written outside of them.`,
      next: "Choose a path in a served folder, or tell the user: the owner has to serve this one.",
      path,
    });
  }
  if (real.split("/").some((name) => name.replace(unseen, "").toLowerCase() === ".git")) {
    throw refusePath({
      reason: "git_folder",
      message: `${path} lies in a .git folder, where a file can make git run programs.`,
      next: "Write to the work tree instead; commits are made by the user.",
      path,
    });
  }
  if (closed.some((place) => isWithin(real, place.normalize("NFC")))) {
    throw refusePath({
      reason: "own_data",
      message: `${path} belongs to the server itself: its policies, audit and versions are never written by a tool.`,
      next: "Tell the user, if a policy should change.",
      path,
    });
  }
}

const newMode = 0o666;

/** Compares and keeps what is about to be replaced; the mode of what replaces it. */
async function judgeOld(
  { path, mustBeNew, ifMatch, most, signal, versions, look, mode }: Replacement,
  real: string,
  old: Pinned | undefined,
): Promise<{ version: string | undefined; mode: number | undefined }> {
  if (!old) {
    if (ifMatch !== undefined) throw changed(path, "is not there any more");
    return { version: undefined, mode };
  }
  if (mustBeNew) throw exists(path);
  const { size } = old.stat;
  if (size > most) {
    throw new CallError("TOO_LARGE", `${path} has ${size} bytes; a file of at most ${most} can be replaced.`, {
      details: { path, reason: "size", size, limit: most, next: "Write to a new file instead." },
    });
  }
  const content = await readPinned(old, { start: 0, end: size, signal });
  const sha256 = await digest(content);
  if (ifMatch !== undefined && ifMatch.toLowerCase() !== sha256) throw changed(path, "is not what ifMatch says");
  look?.(content);
  const kept = old.stat.mode & 0o777;
  signal.throwIfAborted();
  return { version: await versions.keep({ path: real, content, mode: kept, sha256 }), mode: kept };
}

interface Place {
  readonly folder: Pinned;
  /** The name in the pinned folder. */
  readonly target: string;
  readonly old: Stats | undefined;
  readonly mode: number | undefined;
}

const exclusively = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

async function put({ path, content, signal }: Replacement, { folder, target, old, mode }: Place): Promise<void> {
  const temp = `${folder.door}/.portcullis-${ulid()}.tmp`;
  const file = await open(temp, exclusively, old ? 0o600 : (mode ?? newMode));
  let placed = false;
  try {
    try {
      await file.writeFile(content, { signal });
      if (old) await copyRights(file, old, mode ?? 0o600);
      else if (mode !== undefined) await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    signal.throwIfAborted();
    await checkStill(path, folder);
    if (old) {
      await checkSame(path, target, old);
      await rename(temp, target);
      placed = true;
    } else placed = await create(path, temp, target);
    await syncFolder(folder.door);
  } finally {
    if (!placed) await unlink(temp).catch(() => {});
  }
}

/** The new file belongs to whom the old one did, as far as the system lets us. */
async function copyRights(file: FileHandle, { uid, gid }: Stats, mode: number): Promise<void> {
  const { uid: ours, gid: group } = await file.stat();
  if (ours !== uid || group !== gid) await file.chown(uid, gid).catch(() => file.chown(-1, gid).catch(() => {}));
  await file.chmod(mode);
}

/** Whoever has moved the folder away meanwhile has made another place of it than the one that was judged. */
async function checkStill(path: string, { fd, door, real }: Pinned): Promise<void> {
  const now = await (fd === undefined ? realpath(door) : readlink(door));
  if (now.normalize("NFC") !== real) throw changed(path, "lies in a folder that was moved");
}

async function checkSame(path: string, target: string, old: Stats): Promise<void> {
  const now = await lstat(target).catch(() => undefined);
  const same =
    now?.ino === old.ino &&
    now.dev === old.dev &&
    now.size === old.size &&
    now.mtimeMs === old.mtimeMs &&
    now.ctimeMs === old.ctimeMs;
  if (!same) throw changed(path, "was changed while it was being replaced");
}

/** A second name for the new file: unlike a rename, it never takes the place of what somebody else has put there. True when `temp` is gone. */
async function create(path: string, temp: string, target: string): Promise<boolean> {
  try {
    await link(temp, target);
    return false;
  } catch (error) {
    if (isErrno(error, "EEXIST")) throw changed(path, "was made by somebody else meanwhile");
    // File systems without second names.
    if (!isErrno(error, "EPERM", "ENOTSUP", "EOPNOTSUPP", "EMLINK", "ENOSYS")) throw error;
  }
  if (await lstat(target).catch(() => undefined)) throw changed(path, "was made by somebody else meanwhile");
  await rename(temp, target);
  return true;
}

const wrongKind = (path: string): CallError =>
  new CallError("VALIDATION_ERROR", `${path} is a folder.`, {
    details: { path, reason: "folder", next: "Name a file in it." },
  });

const changed = (path: string, how: string): CallError =>
  new CallError("VALIDATION_ERROR", `Nothing was written: ${path} ${how}.`, {
    details: { path, reason: "changed", next: "Read the file again, and write what it should be now." },
  });

const exists = (path: string): CallError =>
  new CallError("VALIDATION_ERROR", `Nothing was written: there is a file at ${path} already.`, {
    details: { path, reason: "exists", next: "Choose another name, or leave mustBeNew out to replace it." },
  });
