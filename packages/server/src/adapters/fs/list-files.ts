import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { CallError, toUri } from "@portcullis/contracts";
import { pin } from "../../files/pin.ts";
import type { ListedResource, Permit, ResourceKind } from "../adapter.ts";
import { mimeTypeOf } from "./mime-types.ts";
import type { FileSource } from "./source.ts";

/** Files of one page; entries that are looked at for it, and the time (ms). */
const mostFiles = 200;
const mostSeen = 20_000;
const mostMs = 2_000;
const breath = 500;
const deepest = 64;

type Listed = Awaited<ReturnType<ResourceKind["list"]>>;

interface Walk {
  readonly source: FileSource;
  readonly permit: Permit;
  readonly signal: AbortSignal;
  readonly after: readonly string[] | undefined;
  readonly deadline: number;
  seen: number;
}

/**
 * The files of the served folders that policy shows, folder by folder in the order of their names. A page ends when it is full, or when enough was looked at;
 * its cursor is the last path, so that nothing is kept between pages.
 */
export async function listFiles(
  source: FileSource,
  cursor: string | undefined,
  { permit, signal }: Parameters<ResourceKind["list"]>[1],
): Promise<Listed> {
  const folders = [...source.place.folders].sort((a, b) => (a.path < b.path ? -1 : 1));
  const from =
    cursor === undefined ? 0 : folders.findIndex(({ path }) => cursor === path || cursor.startsWith(`${path}/`));
  if (from < 0)
    throw new CallError("INVALID_PARAMS", "This cursor is not of this list.", { details: { at: "cursor" } });
  const resources: ListedResource[] = [];
  const deadline = performance.now() + mostMs;
  const walk = { source, permit, signal, deadline, seen: 0 };
  for (const [index, folder] of folders.slice(from).entries()) {
    const after = index === 0 && cursor !== undefined ? toNames(cursor.slice(folder.path.length)) : undefined;
    for await (const { path, shown } of filesBelow({ ...walk, after }, folder.path, [])) {
      if (shown) resources.push(toListed(path));
      if (!shown || resources.length >= mostFiles) return { resources, next: path };
    }
  }
  return { resources };
}

const toNames = (path: string): readonly string[] => path.split("/").filter(Boolean);

const toListed = (path: string): ListedResource => ({
  uri: toUri({ kind: "path", path }),
  name: path.slice(path.lastIndexOf("/") + 1),
  mimeType: mimeTypeOf(path),
});

interface Found {
  readonly path: string;
  /** False for the place where the walk gave up. */
  readonly shown: boolean;
}

async function* filesBelow(walk: Walk, folder: string, names: readonly string[]): AsyncGenerator<Found> {
  const depth = names.length;
  const after = walk.after;
  for (const entry of await entriesOf(walk, folder)) {
    const name = entry.name.normalize("NFC");
    const passed = after?.[depth];
    // Names before the cursor were told; the one on the way to it is entered again.
    const onTheWay = after?.slice(0, depth).every((one, index) => one === names[index]) === true;
    if (onTheWay && passed !== undefined && (name < passed || (name === passed && after?.length === depth + 1)))
      continue;
    const path = `${folder === "/" ? "" : folder}/${name}`;
    if (++walk.seen % breath === 0) await setImmediate();
    walk.signal.throwIfAborted();
    if (entry.isDirectory()) {
      if (depth < deepest && walk.permit.allows({ kind: "path", path, collection: true }))
        yield* filesBelow(walk, path, [...names, name]);
    } else if (entry.isFile() && walk.permit.allows({ kind: "path", path })) yield { path, shown: true };
    else if (walk.seen > mostSeen || performance.now() > walk.deadline) {
      walk.seen = 0;
      yield { path, shown: false };
    }
  }
}

/** What a folder holds, by name; nothing where it cannot be listed or is not what it was. Links are not listed: they are no files of their own. */
async function entriesOf({ source, permit }: Walk, folder: string): Promise<readonly Dirent[]> {
  try {
    const pinned = await pin({
      path: folder,
      wanted: "folder",
      roots: source.roots,
      allows: (path) => permit.allows({ kind: "path", path, collection: true }),
    });
    try {
      if (pinned.real !== folder) return [];
      const entries = await readdir(pinned.door, { withFileTypes: true });
      return entries
        .filter(({ name }) => !name.includes("\ufffd"))
        .sort((a, b) => (a.name.normalize("NFC") < b.name.normalize("NFC") ? -1 : 1));
    } finally {
      pinned.close();
    }
  } catch {
    return [];
  }
}
