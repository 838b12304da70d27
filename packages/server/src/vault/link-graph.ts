import { fold, isNotePath, nameOf } from "./link-name.ts";
import { createPostings } from "./postings.ts";
import { atOnce } from "./steps.ts";
import { lineage } from "./tag.ts";
import type { NoteFacts, VaultFile, VaultIndex } from "./vault-index.ts";
import { createView, type ResolvedLink } from "./view.ts";

/**
 * The links, names and tags of one vault in memory. A change costs about what its note holds, whatever the size of the vault: links are kept
 * by name and resolved when somebody asks. A rename is a `remove` and a `put`.
 */
export interface LinkGraph extends VaultIndex {
  readonly size: number;
  /** Adds or replaces a file; without facts it is an attachment, or a note that could not be read. */
  put(path: string, facts?: NoteFacts): void;
  remove(path: string): void;
  /** As somebody sees it who may see all. */
  linksOf(path: string): readonly ResolvedLink[];
  /** The paths of the notes that link to a file. */
  backlinksOf(path: string): readonly string[];
  tags(): ReadonlyMap<string, number>;
  unresolved(): ReadonlyMap<string, number>;
}

const none: readonly string[] = [];

export function createLinkGraph(): LinkGraph {
  const byPath = new Map<string, VaultFile>();
  const byName = createPostings<VaultFile>();
  const byTitle = createPostings<VaultFile>();
  const byLink = createPostings<VaultFile>();
  const byTag = createPostings<VaultFile>();
  const pool = createPool();
  let lastId = -1;

  /** Calls `each` with everything that a file is to be found by. */
  function eachKey(file: VaultFile, each: (postings: typeof byName, key: string, file: VaultFile) => void): void {
    each(byName, nameOf(file.path), file);
    if (!file.note) return;
    for (const title of titlesOf(file)) each(byTitle, fold(title), file);
    for (const target of file.links) each(byLink, nameOf(target), file);
    for (const tag of file.tags) for (const level of lineage(tag)) each(byTag, level, file);
  }

  const remove = (path: string): VaultFile | undefined => {
    const file = byPath.get(path);
    if (!file) return undefined;
    byPath.delete(path);
    eachKey(file, (postings, key) => postings.remove(key, file));
    return file;
  };

  const index: VaultIndex = {
    at: (path) => byPath.get(path),
    named: byName.of,
    called: byTitle.of,
    linking: byLink.of,
    tagged: byTag.of,
    tagNames: byTag.keys,
    files: () => byPath.values(),
  };
  const viewOfAll = () => createView(index, () => true);

  return {
    ...index,
    get size() {
      return byPath.size;
    },
    put(path, facts) {
      const id = remove(path)?.id ?? ++lastId;
      const file: VaultFile = {
        id,
        path,
        note: isNotePath(path),
        title: pool(facts?.title ?? ""),
        tags: facts?.tags.length ? facts.tags.map(pool) : none,
        aliases: facts?.aliases.length ? facts.aliases.map(pool) : none,
        links: facts?.links.length ? facts.links.map(pool) : none,
      };
      byPath.set(path, file);
      eachKey(file, (postings, key) => postings.add(key, file));
    },
    remove(path) {
      remove(path);
    },
    linksOf(path) {
      const file = byPath.get(path);
      return file ? atOnce(viewOfAll().linksOf(file)) : [];
    },
    backlinksOf(path) {
      const file = byPath.get(path);
      return file ? atOnce(viewOfAll().backlinksOf(file)).map((each) => each.path) : [];
    },
    tags: () => atOnce(viewOfAll().tags()),
    unresolved: () => atOnce(viewOfAll().unresolved()),
  };
}

/** What a note is called beside its file's name, by which it is found anyway. */
const titlesOf = ({ path, title, aliases }: VaultFile): readonly string[] =>
  [title, ...aliases].filter((each) => each !== "" && fold(each) !== nameOf(path));

const mostPooled = 1 << 16;

/** Keeps equal texts once, and none as a slice of a longer one, which would keep the whole of that in memory. */
function createPool(): (text: string) => string {
  const known = new Map<string, string>();
  return (text) => {
    const same = known.get(text);
    if (same !== undefined) return same;
    const own = text.isWellFormed() ? Buffer.from(text).toString() : (JSON.parse(JSON.stringify(text)) as string);
    if (known.size >= mostPooled) known.clear();
    known.set(own, own);
    return own;
  };
}
