import { opendir } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import type { Resource } from "@portcullis/contracts";
import { pin } from "../../files/pin.ts";
import type { Pinned } from "../../files/pinned.ts";
import { readPinned } from "../../files/read-pinned.ts";
import { unreadable } from "../../files/refusals.ts";
import { createRules, type Rules, ruleFiles } from "../../search/ignore-rules.ts";
import type { Use } from "../adapter.ts";
import type { FileSource } from "./source.ts";

export interface FoundFile {
  /** As it is reached from the folder that was asked for. */
  readonly path: string;
  /** Open for the caller to close. */
  readonly pinned: Pinned;
}

export interface Search {
  readonly dir: string;
  /** Entries looked at, files or not. */
  readonly seen: number;
  readonly signal: AbortSignal;
  /** Files whose relative path does not fit are never opened. */
  fits(relative: string): boolean;
}

const deepest = 64;
const largestRules = 1024 * 1024;
/** Work on this thread before other calls get their turn. */
const breathMs = 8;

const toFolder = (path: string): Resource => ({ kind: "path", path, collection: true });
const join = (folder: string, name: string): string => `${folder === "/" ? "" : folder}/${name}`;

/**
 * The regular files below a folder that policy shows and that no ignore file hides, each pinned and judged at its real path. Links are not
 * followed. A folder that is hidden itself is searched when the call names it, by the rules in it alone.
 *
 * An `undefined` at the end tells that it gave up early.
 */
export async function* findFiles(
  source: FileSource,
  { permit }: Use,
  { dir, seen, signal, fits }: Search,
): AsyncGenerator<FoundFile | undefined> {
  let left = seen;
  let breath = performance.now() + breathMs;
  const texts = new Map<string, readonly string[]>();
  let root = source.roots.find(dir)?.path.normalize("NFC") ?? dir;
  let rules = createRules((folder) => texts.get(folder) ?? []);
  await readRulesAbove({ source, root, dir, signal, texts });
  if (dir !== root && rules.hidesWithParents(`${dir.slice(join(root, "").length)}/`)) {
    texts.clear();
    root = dir;
    rules = createRules((folder) => texts.get(folder) ?? []);
  }
  const folders: { readonly path: string; readonly real: string | undefined; readonly depth: number }[] = [
    { path: dir, real: undefined, depth: 0 },
  ];
  for (let folder = folders.pop(); folder; folder = folders.pop()) {
    const pinned = await openFolder(source, permit, folder);
    if (!pinned) continue;
    try {
      const names = await readNames(pinned, folder, left);
      left -= names.length;
      await readRules({ source, root, dir: folder.path, signal, texts }, names);
      const inner: typeof folders = [];
      for (const { name: written, isFolder, isFile } of names) {
        signal.throwIfAborted();
        if (performance.now() > breath) {
          await setImmediate();
          breath = performance.now() + breathMs;
        }
        const name = written.normalize("NFC");
        const path = join(folder.path, name);
        const real = join(pinned.real, name);
        if (isFolder) {
          if (folder.depth >= deepest || hides(rules, root, `${path}/`)) continue;
          if (permit.allows(toFolder(path)) && (real === path || permit.allows(toFolder(real))))
            inner.push({ path, real, depth: folder.depth + 1 });
        } else if (isFile && fits(path.slice(dir === "/" ? 1 : dir.length + 1)) && !hides(rules, root, path)) {
          const file = await openFile(source, permit, { path, real });
          if (file) yield { path, pinned: file };
        }
      }
      folders.push(...inner.reverse());
    } finally {
      pinned.close();
    }
    if (left <= 0) return yield undefined;
  }
}

const hides = (rules: Rules, root: string, path: string): boolean =>
  path.startsWith(join(root, "")) && rules.hides(path.slice(join(root, "").length));

type Allows = Use["permit"];

/** The folder asked for may be reached through a link. One met on the way must lie where it was listed: else it has been swapped. */
async function openFolder(
  source: FileSource,
  permit: Allows,
  { path, real }: { readonly path: string; readonly real: string | undefined },
): Promise<Pinned | undefined> {
  const opening = pin({
    ...{ path, wanted: "folder", roots: source.roots },
    allows: (other) => permit.allows(toFolder(other)),
  });
  if (real === undefined) return opening;
  const pinned = await opening.catch(() => undefined);
  if (pinned === undefined || pinned.real === real) return pinned;
  pinned.close();
  return undefined;
}

/** A file that may not be read is left out without a word: a refusal would tell of it. */
async function openFile(
  source: FileSource,
  permit: Allows,
  { path, real }: { readonly path: string; readonly real: string },
): Promise<Pinned | undefined> {
  if (!permit.allows({ kind: "path", path })) return undefined;
  const pinned = await pin({
    ...{ path, wanted: "file", roots: source.roots, hardlinks: permit.hardlinks },
    allows: (other) => permit.allows({ kind: "path", path: other }),
  }).catch(() => undefined);
  if (pinned === undefined || pinned.real === real) return pinned;
  pinned.close();
  return undefined;
}

interface Name {
  readonly name: string;
  readonly isFolder: boolean;
  readonly isFile: boolean;
}

async function readNames(
  pinned: Pinned,
  { path, real }: { readonly path: string; readonly real: string | undefined },
  most: number,
): Promise<readonly Name[]> {
  const found: Name[] = [];
  try {
    for await (const entry of await opendir(pinned.door, { bufferSize: 256 })) {
      // A name that is not text in UTF-8 is one that no rule could have meant.
      if (entry.name.includes("\ufffd")) continue;
      found.push({ name: entry.name, isFolder: entry.isDirectory(), isFile: entry.isFile() });
      if (found.length >= most) break;
    }
  } catch (error) {
    if (real === undefined) throw unreadable(path, error);
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

interface RulesOf {
  readonly source: FileSource;
  readonly root: string;
  readonly dir: string;
  readonly signal: AbortSignal;
  readonly texts: Map<string, readonly string[]>;
}

/** The rules of the folders from the served one down to the one asked for. */
async function readRulesAbove(of: RulesOf): Promise<void> {
  if (!of.source.roots.find(of.dir)) return;
  let at = of.root;
  for (const name of of.dir.slice(join(of.root, "").length).split("/").filter(Boolean)) {
    await readRules({ ...of, dir: at });
    at = join(at, name);
  }
}

/** An ignore file says what its owner does not want searched: it is honoured whether or not the caller may read it. */
async function readRules({ source, root, dir, signal, texts }: RulesOf, names?: readonly Name[]): Promise<void> {
  const found: string[] = [];
  for (const name of ruleFiles) {
    if (names && !names.some((entry) => entry.name === name)) continue;
    const pinned = await pin({
      ...{ path: join(dir, name), wanted: "file", roots: source.roots },
      allows: () => false,
    }).catch(() => undefined);
    if (!pinned) continue;
    try {
      const end = Math.min(pinned.stat.size, largestRules);
      found.push((await readPinned(pinned, { start: 0, end, signal })).toString("utf8"));
    } finally {
      pinned.close();
    }
  }
  if (found.length > 0) texts.set(dir === root ? "" : dir.slice(join(root, "").length), found);
}
