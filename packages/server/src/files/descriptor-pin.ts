import type { Stats } from "node:fs";
import { explainAbsence } from "./absence.ts";
import { type Engine, pooled } from "./engine.ts";
import { isPlainMount, mountOf } from "./mounts.ts";
import type { Pinned, PinRequest } from "./pinned.ts";
import { notFound, refuseMount, refuseSpelling, refuseTarget } from "./refusals.ts";
import { isSpelledAsListed, toDiskPath } from "./spelling.ts";

/** Names a thing without opening it: no pipe waits, no device acts, and read permission is not needed (open(2)). */
const O_PATH = 0o10000000;

/**
 * Linux: an `O_PATH` descriptor holds the thing, the kernel tells where it lies, and it is later opened through `/proc/self/fd`. A swap
 * before the open is seen in the path that is judged; a swap after it changes nothing.
 */
export async function pinByDescriptor(request: PinRequest): Promise<Pinned> {
  const { path, roots } = request;
  const folder = roots.find(path);
  const engine = folder ? (await roots.open(folder)).engine : pooled;
  const start = folder?.path ?? "";
  const disk = await toDiskPath(start, folder ? path.slice(start.normalize("NFC").length) : path);
  let fd: number;
  try {
    fd = await engine.open(disk, O_PATH);
  } catch (error) {
    throw await explainAbsence(request, {
      disk,
      error,
      engine,
      reach: (at, meant) => reach({ ...request, path: meant }, at, engine),
    });
  }
  try {
    const real = await judgePlace(request, fd, engine);
    if (real !== path && !request.allows(real)) throw refuseTarget(path);
    const stat = await engine.fstat(fd);
    if (await isGone(real, stat, engine)) throw notFound(path);
    return { real, stat, engine, fd, door: `/proc/self/fd/${fd}`, close: () => engine.close(fd) };
  } catch (error) {
    engine.close(fd);
    throw error;
  }
}

async function reach(request: PinRequest, disk: string, engine: Engine): Promise<string | undefined> {
  let fd: number;
  try {
    fd = await engine.open(disk, O_PATH);
  } catch {
    return undefined;
  }
  try {
    return await judgePlace(request, fd, engine);
  } finally {
    engine.close(fd);
  }
}

/** The real path of what a descriptor holds; throws unless it lies in a place to read from. Policy is still to be asked about it. */
async function judgePlace({ path, roots }: PinRequest, fd: number, engine: Engine): Promise<string> {
  const place = await engine.readlink(`/proc/self/fd/${fd}`);
  const real = place.normalize("NFC");
  // Bytes that are no text come out as U+FFFD: a policy would judge another name than the one on disk.
  if (!real.startsWith("/") || real.includes("\ufffd")) throw refuseTarget(path);
  const mount = await mountOf(fd, engine);
  const folder = roots.find(real);
  if (!folder) {
    if (real !== path) throw refuseTarget(path);
    if (!(await isPlainMount(mount))) throw refuseMount(path);
    return real;
  }
  let root = await roots.open(folder);
  if (root.mount !== mount) root = await roots.open(folder, "again");
  if (root.mount !== mount) throw real === path ? refuseMount(path) : refuseTarget(path);
  if (!root.caseSensitive && !(await isSpelledAsListed(folder.path, place))) throw refuseSpelling(path);
  return real;
}

/** The kernel marks the path of a deleted file; a second name could keep the file alive under a path that no rule was written for. */
async function isGone(real: string, stat: Stats, engine: Engine): Promise<boolean> {
  if (stat.nlink === 0) return true;
  if (!real.endsWith(" (deleted)")) return false;
  try {
    const there = await engine.lstat(real);
    return there.ino !== stat.ino || there.dev !== stat.dev;
  } catch {
    return true;
  }
}
