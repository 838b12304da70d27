import type { Dirent } from "node:fs";
import { lstat, opendir } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { type Resource, toUri } from "@portcullis/contracts";
import { toCanonicalPath } from "../../files/canonical-path.ts";
import { createNameGlob } from "../../files/name-glob.ts";
import { pin } from "../../files/pin.ts";
import type { Pinned } from "../../files/pinned.ts";
import { unreadable } from "../../files/refusals.ts";
import type { Permit, Tool, Use } from "../adapter.ts";
import { type Entry, ListInput, ListOutput } from "./schemas.ts";
import type { FileSource } from "./source.ts";

export interface ListLimits {
  /** Entries in one answer. */
  readonly entries: number;
  /** Entries looked at, shown or not. */
  readonly seen: number;
  readonly milliseconds: number;
}

/**
 * `fs.list`: the entries of a folder and, with `depth`, of the folders in it, level by level, each judged by policy before its name
 * leaves. Links are listed and never entered; names that are not text in UTF-8 are left out, as no rule could name them.
 */
export const createList = (source: FileSource, limits: ListLimits): Tool<ListInput, ListOutput> => ({
  name: "fs.list",
  title: "List a folder",
  summary: "Lists a folder's files and folders, some levels deep, or those that match a glob.",
  safety: "Shows only what policy allows; lists links but never follows them.",
  batch: "one fs.list with a depth and a glob",
  effect: "read",
  labels: {},
  input: ListInput,
  output: ListOutput,
  touches: ({ dir }) => [toFolder(toCanonicalPath(dir, source.place))],
  run: (input, use) => list(source, limits, { input, use }),
  filter: (output, allows) => ({
    ...output,
    entries: output.entries.filter(({ path, type }) => allows(toResource(path, type))),
  }),
});

/** As deep as the input schema lets a caller ask. */
const deepest = 32;
/** Entries judged before other calls get their turn. */
const breath = 500;
/** What an entry weighs in the answer beside its path. */
const bytesBesidePath = 80;

const toFolder = (path: string): Resource => ({ kind: "path", path, collection: true });

const toResource = (path: string, type: Entry["type"]): Resource =>
  type === "folder" ? toFolder(path) : { kind: "path", path };

async function list(
  source: FileSource,
  limits: ListLimits,
  { input, use }: { readonly input: ListInput; readonly use: Use },
): Promise<ListOutput> {
  const dir = toCanonicalPath(input.dir, source.place);
  const { glob } = input;
  const matches = glob === undefined ? () => true : createNameGlob(glob);
  const depth = input.depth ?? (glob?.includes("/") ? deepest : 1);
  const deadline = performance.now() + limits.milliseconds;
  const entries: Entry[] = [];
  let bytes = use.permit.maxBytes;
  let truncated = false;
  for await (const entry of walk(source, use, { dir, depth, seen: limits.seen })) {
    if (entry !== undefined && matches(entry.path.slice(dir === "/" ? 1 : dir.length + 1))) {
      bytes -= Buffer.byteLength(entry.path) + bytesBesidePath;
      truncated = bytes < 0 || entries.length >= limits.entries;
      if (!truncated) entries.push(entry);
    }
    truncated ||= entry === undefined || performance.now() > deadline;
    if (truncated) break;
  }
  return { dir, uri: toUri(toFolder(dir)), entries, truncated };
}

interface Walk {
  readonly dir: string;
  readonly depth: number;
  readonly seen: number;
}

interface Level {
  readonly path: string;
  /** Where it was found to lie; unknown for the folder that was asked for. */
  readonly real: string | undefined;
}

/** Yields the entries that policy shows, folder by folder and level by level; an `undefined` at the end tells that it gave up early. */
async function* walk(
  source: FileSource,
  { permit, signal }: Use,
  { dir, depth, seen }: Walk,
): AsyncGenerator<Entry | undefined> {
  let left = seen;
  let judged = 0;
  let level: Level[] = [{ path: dir, real: undefined }];
  for (let below = depth; below > 0 && level.length > 0; below--) {
    const next: Level[] = [];
    for (const folder of level) {
      const pinned = await openFolder(source, permit, folder);
      if (!pinned) continue;
      try {
        const names = await readNames(pinned, folder, left);
        left -= names.length;
        for (const dirent of names) {
          if (++judged % breath === 0) await setImmediate();
          signal.throwIfAborted();
          const name = dirent.name.normalize("NFC");
          const path = join(folder.path, name);
          const real = join(pinned.real, name);
          const type = toType(dirent);
          if (!permit.allows(toResource(path, type))) continue;
          if (real !== path && !permit.allows(toResource(real, type))) continue;
          if (type === "folder") next.push({ path, real });
          yield await describe(pinned, dirent, { path, type });
        }
      } finally {
        pinned.close();
      }
      if (left <= 0) return yield undefined;
    }
    level = next;
  }
}

/** The folder asked for may be reached through a link. One met on the way must lie where it was listed: else it has been swapped. */
async function openFolder(source: FileSource, permit: Permit, { path, real }: Level): Promise<Pinned | undefined> {
  const opening = pin({
    path,
    wanted: "folder",
    roots: source.roots,
    allows: (other) => permit.allows(toFolder(other)),
  });
  if (real === undefined) return opening;
  const pinned = await opening.catch(() => undefined);
  if (pinned === undefined || pinned.real === real) return pinned;
  pinned.close();
  return undefined;
}

const join = (folder: string, name: string): string => `${folder === "/" ? "" : folder}/${name}`;

/** At most `most` entries, in the order of their names. A folder on the way that the system does not let us read lists nothing. */
async function readNames(pinned: Pinned, { path, real }: Level, most: number): Promise<readonly Dirent[]> {
  const found: Dirent[] = [];
  try {
    for await (const entry of await opendir(pinned.door, { bufferSize: 256 })) {
      if (!entry.name.includes("\ufffd")) found.push(entry);
      if (found.length >= most) break;
    }
  } catch (error) {
    if (real === undefined) throw unreadable(path, error);
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

const toType = (dirent: Dirent): Entry["type"] =>
  dirent.isFile() ? "file" : dirent.isDirectory() ? "folder" : dirent.isSymbolicLink() ? "link" : "other";

/** Size and age of a file, unless it has other names: those may lie where nothing may be told of them. */
async function describe(pinned: Pinned, dirent: Dirent, entry: Entry): Promise<Entry> {
  if (entry.type !== "file") return entry;
  const stat = await lstat(`${pinned.door}/${dirent.name}`).catch(() => undefined);
  if (!stat?.isFile() || stat.nlink > 1) return entry;
  return { ...entry, size: stat.size, mtime: stat.mtime.toISOString() };
}
