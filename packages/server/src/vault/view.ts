import { type Candidates, toCandidates } from "./candidates.ts";
import { fold, folderOf, join, nameOf } from "./link-name.ts";
import type { Steps } from "./steps.ts";
import type { VaultFile, VaultIndex } from "./vault-index.ts";

/** A link as it resolves: `file` is undefined when there is no such file. */
export interface ResolvedLink {
  readonly target: string;
  readonly file?: VaultFile;
}

/**
 * A vault as one caller sees it: files that they may not see do not exist, whatever links, titles or tags they have. It remembers what it has
 * looked up, so it is for one answer, not longer.
 */
export interface View {
  /** The file that a target means in a note; the shortest path wins when no note is given. */
  resolve(target: string, from?: VaultFile): Steps<VaultFile | undefined>;
  /** All files that a name could mean: by path, else by file name, else by title or alias. */
  find(name: string): Steps<Candidates>;
  linksOf(file: VaultFile): Steps<readonly ResolvedLink[]>;
  /** The notes that link to a file, but for itself, by path. */
  backlinksOf(file: VaultFile): Steps<readonly VaultFile[]>;
  /** How many notes have each tag, or one nested in it; of one tag, for itself and those nested in it. */
  tags(within?: string): Steps<ReadonlyMap<string, number>>;
  /** The notes of a tag and of those nested in it, by path. */
  tagged(tag: string): Steps<readonly VaultFile[]>;
  /** What notes link to and what does not exist, with the number of notes. */
  unresolved(): Steps<ReadonlyMap<string, number>>;
}

export function createView(index: VaultIndex, sees: (file: VaultFile) => boolean): View {
  const candidates = new Map<string, Candidates>();
  const resolved = new Map<string, VaultFile | undefined>();
  const names = new Map<string, string>();

  const nameOfTarget = (target: string): string => {
    let name = names.get(target);
    if (name === undefined) {
      name = nameOf(target);
      names.set(target, name);
    }
    return name;
  };

  function* visible(files: Iterable<VaultFile>): Steps<VaultFile[]> {
    const seen: VaultFile[] = [];
    for (const file of files) {
      yield;
      if (sees(file)) seen.push(file);
    }
    return seen;
  }

  function* find(name: string): Steps<Candidates> {
    const known = candidates.get(name);
    if (known) return known;
    let found = toCandidates(yield* visible(index.named(nameOf(name))), name, true);
    if (found.files.length === 0) found = toCandidates(yield* visible(index.called(fold(name))), name, false);
    candidates.set(name, found);
    return found;
  }

  /** By path alone, without a look at the many files that may have the same name. */
  function* exactly(path: string): Steps<VaultFile | undefined> {
    for (const spelling of [path, `${path}.md`]) {
      const file = index.at(spelling);
      if (file && sees(file)) return file;
    }
    return (yield* find(path)).exact;
  }

  function* settle(target: string, from: VaultFile | undefined): Steps<VaultFile | undefined> {
    const folder = from ? folderOf(from.path) : "";
    if (target.startsWith("/")) return yield* exactly(target.replace(/^\/+/, ""));
    if (!/^\.\.?\//.test(target)) return (yield* find(target)).nearest(folder);
    const path = join(folder, target);
    const file = path === undefined ? undefined : yield* exactly(path);
    // Obsidian writes paths from the vault's top, and bare names, into Markdown links too.
    const plain = target.replace(/^(?:\.\/)+/, "");
    return file || plain.startsWith("../") ? file : (yield* find(plain)).nearest(folder);
  }

  function* resolve(target: string, from?: VaultFile): Steps<VaultFile | undefined> {
    if (target === "") return from;
    const key = `${from ? folderOf(from.path) : ""}\0${target}`;
    if (resolved.has(key)) return resolved.get(key);
    const file = yield* settle(target, from);
    resolved.set(key, file);
    return file;
  }

  function* linksOf(file: VaultFile): Steps<readonly ResolvedLink[]> {
    const links: ResolvedLink[] = [];
    for (const target of file.links) {
      yield;
      const to = yield* resolve(target, file);
      links.push({ target, ...(to && { file: to }) });
    }
    return links;
  }

  function* backlinksOf(file: VaultFile): Steps<readonly VaultFile[]> {
    const own = new Set([file.path, file.title, ...file.aliases].map(nameOf));
    own.delete("");
    const found = new Map<number, VaultFile>();
    for (const name of own) {
      for (const source of index.linking(name)) {
        yield;
        if (source.id === file.id || found.has(source.id) || !sees(source)) continue;
        for (const target of source.links) {
          if (!own.has(nameOfTarget(target)) || (yield* resolve(target, source))?.id !== file.id) continue;
          found.set(source.id, source);
          break;
        }
      }
    }
    return [...found.values()].sort(byPath);
  }

  function* tags(within?: string): Steps<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const tag of index.tagNames()) {
      if (within !== undefined && tag !== within && !tag.startsWith(`${within}/`)) continue;
      let count = 0;
      for (const file of index.tagged(tag)) {
        yield;
        if (sees(file)) count++;
      }
      if (count > 0) counts.set(tag, count);
    }
    return counts;
  }

  function* unresolved(): Steps<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const file of index.files()) {
      yield;
      if (file.links.length === 0 || !sees(file)) continue;
      for (const link of yield* linksOf(file)) {
        if (!link.file) counts.set(link.target, (counts.get(link.target) ?? 0) + 1);
      }
    }
    return counts;
  }

  return {
    resolve,
    find,
    linksOf,
    backlinksOf,
    tags,
    *tagged(tag) {
      return (yield* visible(index.tagged(tag))).sort(byPath);
    },
    unresolved,
  };
}

const byPath = (a: VaultFile, b: VaultFile): number => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
