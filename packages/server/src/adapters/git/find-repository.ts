import { lstat, readdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path/posix";
import { CallError } from "@portcullis/contracts";
import { pin } from "../../files/pin.ts";
import type { Pinned } from "../../files/pinned.ts";
import { readPinned } from "../../files/read-pinned.ts";
import { refusePath } from "../../files/refusals.ts";
import { isWithin, type Roots } from "../../files/roots.ts";

export interface Repository {
  /** The work tree's top folder: a canonical real path. */
  readonly top: string;
  /** What may be shown, relative to `top`: the folder asked for. "" for all. */
  readonly below: string;
  readonly gitDir: Pinned;
  /** Where objects and refs lie, when `gitDir` is a linked work tree's own. */
  readonly commonDir: Pinned | undefined;
  close(): void;
}

interface Search {
  /** Canonical path of the repository's folder or of one in it. */
  readonly path: string;
  readonly roots: Roots;
  readonly signal: AbortSignal;
  allows(repository: string): boolean;
}

/**
 * Finds the repository that a folder belongs to, without git, whose own search trusts links and files in the tree. The git folder is
 * pinned, and all that it draws on has to lie in served folders. A repository around the served folder is used too, if it belongs to the
 * same user, but shows only what lies in the folder.
 *
 * Throws `NOT_FOUND` when there is none, `PERMISSION_DENIED` when it leads elsewhere.
 */
export async function findRepository(search: Search): Promise<Repository> {
  const { path, roots } = search;
  const folder = await pin({ path, wanted: "folder", roots, allows: search.allows });
  folder.close();
  const served = roots.find(folder.real);
  if (!served) throw refuse(path, "outside", "lies in no served folder", "The owner has to serve the folder.");

  for (let top = folder.real; ; top = dirname(top)) {
    const dotGit = await lstat(inside(top, ".git")).catch(() => undefined);
    if (dotGit) {
      const around = !isWithin(top, served.path.normalize("NFC"));
      const owner = await stat(served.path);
      if (around && !(dotGit.isDirectory() && dotGit.uid === owner.uid && dotGit.dev === owner.dev)) break;
      const held = await openGitDir(search, { top, isFile: dotGit.isFile(), around });
      return { ...held, top, below: top === folder.real ? "" : folder.real.slice(inside(top, "").length) };
    }
    if (top === "/") break;
  }
  throw new CallError("NOT_FOUND", `${path} belongs to no git repository.`, {
    details: { path, reason: "no_repository", next: "Name a folder that holds a .git folder, or one inside it." },
  });
}

interface Found {
  readonly top: string;
  /** A work tree's or submodule's `.git` is a file that names the real one (gitrepository-layout(5)). */
  readonly isFile: boolean;
  readonly around: boolean;
}

async function openGitDir(
  search: Search,
  { top, isFile, around }: Found,
): Promise<Pick<Repository, "gitDir" | "commonDir" | "close">> {
  const dotGit = inside(top, ".git");
  const named = isFile ? /^gitdir: (.+)/.exec(await readSmall(search, dotGit))?.[1] : undefined;
  if (isFile && named === undefined) throw refuseGit(search.path);
  const gitDir = await hold(search, named === undefined ? dotGit : resolve(top, named), around);
  let commonDir: Pinned | undefined;
  const close = (): void => {
    gitDir.close();
    commonDir?.close();
  };
  try {
    if (await lstat(`${gitDir.door}/commondir`).catch(() => undefined)) {
      const common = (await readSmall(search, inside(gitDir.real, "commondir"))).trim();
      commonDir = await hold(search, resolve(gitDir.real, common), false);
    }
    await checkLinks(search, gitDir.door);
    await checkObjects(search, commonDir ?? gitDir, 0);
    return { gitDir, commonDir, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Pins a git folder: it must lie in a served folder, or be the plain `.git` of the repository around one. */
async function hold({ path, roots }: Search, folder: string, around: boolean): Promise<Pinned> {
  if (!around && !roots.find(folder.normalize("NFC"))) throw refuseGit(path);
  try {
    return await pin({
      path: folder.normalize("NFC"),
      wanted: "folder",
      roots,
      allows: (real) => roots.find(real) !== undefined,
    });
  } catch {
    throw refuseGit(path);
  }
}

const mostAlternates = 5;

/** Objects may be borrowed from other repositories (gitrepository-layout(5), objects/info/alternates): from served ones only. */
async function checkObjects(search: Search, store: Pinned, depth: number): Promise<void> {
  if (depth > mostAlternates) throw refuseGit(search.path);
  const objects = depth === 0 ? `${store.door}/objects` : store.door;
  if (depth === 0) await checkLinks(search, store.door);
  for (const folder of [objects, `${objects}/info`, `${objects}/pack`]) await checkLinks(search, folder);
  const real = depth === 0 ? inside(store.real, "objects") : store.real;
  if (!(await lstat(`${objects}/info/alternates`).catch(() => undefined))) return;
  const lines = (await readSmall(search, `${real}/info/alternates`))
    .split("\n")
    .filter((line) => line && line[0] !== "#");
  for (const line of lines) {
    if (line.startsWith('"')) throw refuseGit(search.path);
    const other = await hold(search, resolve(real, line), false);
    try {
      await checkObjects(search, other, depth + 1);
    } finally {
      other.close();
    }
  }
}

/** A link inside a git folder could bring in the objects of a repository that is not served. */
async function checkLinks({ path }: Search, folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  if (entries.some((entry) => entry.isSymbolicLink())) throw refuseGit(path);
}

async function readSmall({ path, roots, signal }: Search, file: string): Promise<string> {
  try {
    const pinned = await pin({ path: file.normalize("NFC"), wanted: "file", roots, allows: () => false });
    try {
      return (await readPinned(pinned, { start: 0, end: Math.min(pinned.stat.size, 65_536), signal })).toString("utf8");
    } finally {
      pinned.close();
    }
  } catch {
    throw refuseGit(path);
  }
}

const inside = (folder: string, name: string): string => `${folder === "/" ? "" : folder}/${name}`;

const refuse = (path: string, reason: string, what: string, next: string) =>
  refusePath({ reason, message: `${path} ${what}.`, next, path });

const refuseGit = (path: string) =>
  refuse(
    path,
    "repository_elsewhere",
    "belongs to a repository that draws on places outside of the served folders",
    "Tell the user: the folder that holds the repository's objects has to be served too, without links inside .git.",
  );
