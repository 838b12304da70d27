import ignore, { type Ignore } from "ignore";
import type { FolderTree } from "./folder-tree.ts";
import { Unreadable } from "./pinned.ts";
import { largestFile } from "./text-kind.ts";

/** The files whose rules are honoured, in every folder; where they contradict each other the later one wins. */
export const ruleFiles: readonly string[] = [".gitignore", ".portcullisignore"];

/** Folders of tools: never walked, whatever rules say. */
const neverWalked = new Set([
  ".git",
  ".hg",
  ".svn",
  "node_modules",
  ".obsidian",
  ".trash",
  ".venv",
  "__pycache__",
  ".portcullis",
]);

export const isNeverWalked = (name: string): boolean => neverWalked.has(name);

// Patterns become regular expressions that backtrack: a hostile line in a cloned repository could stall the server for hours.
const isCostly = (line: string): boolean =>
  line.length > 1_000 || (line.match(/\*\*/g)?.length ?? 0) > 3 || (line.match(/\*+/g)?.length ?? 0) > 6;

export interface Rules {
  /**
   * Whether the rules of the folders above hide `path`; a folder's ends with a slash. Paths are relative to the served folder. Parents have
   * to be asked first: what lies in a hidden folder is hidden, and no rule brings it back (gitignore(5)).
   */
  hides(path: string): boolean;
  /** The same with all its parents asked. */
  hidesWithParents(path: string): boolean;
  /** Lines that are not honoured because matching them could take too long, by the folder whose they are. */
  refused(): readonly { readonly folder: string; readonly line: string }[];
}

/**
 * The ignore rules of one served folder. `read` gives the texts of a folder's rule files ("" is the served folder itself); it is called once
 * a folder, when that is first asked about.
 */
export function createRules(read: (folder: string) => readonly string[]): Rules {
  const byFolder = new Map<string, { readonly matcher: Ignore | undefined; readonly refused: readonly string[] }>();
  const rulesOf = (folder: string): Ignore | undefined => {
    const known = byFolder.get(folder);
    if (known) return known.matcher;
    const lines = read(folder).flatMap((text) => text.replace(/^\uFEFF/, "").split(/\r?\n/));
    const matcher = lines.length === 0 ? undefined : ignore().add(lines.filter((line) => !isCostly(line)));
    byFolder.set(folder, { matcher, refused: lines.filter(isCostly) });
    return matcher;
  };
  const hides = (path: string): boolean => {
    const bare = path.endsWith("/") ? path.slice(0, -1) : path;
    if (isNeverWalked(bare.slice(bare.lastIndexOf("/") + 1))) return true;
    // The deepest folder has the last word.
    for (let end = bare.lastIndexOf("/"); ; end = bare.lastIndexOf("/", end - 1)) {
      const folder = end < 0 ? "" : bare.slice(0, end);
      const verdict = rulesOf(folder)?.test(folder === "" ? path : path.slice(folder.length + 1));
      if (verdict?.ignored) return true;
      if (verdict?.unignored || end <= 0) return false;
    }
  };
  return {
    hides,
    hidesWithParents(path) {
      for (let slash = path.indexOf("/"); slash >= 0 && slash < path.length - 1; slash = path.indexOf("/", slash + 1)) {
        if (hides(path.slice(0, slash + 1))) return true;
      }
      return hides(path);
    },
    refused: () =>
      [...byFolder].flatMap(([folder, { refused }]) => refused.map((line) => ({ folder, line: line.slice(0, 80) }))),
  };
}

/** Reads the rule files of a folder in a tree. One that cannot be read hides nothing. */
export const readRulesOf =
  (tree: FolderTree) =>
  (folder: string): readonly string[] =>
    ruleFiles.flatMap((name) => {
      try {
        return [tree.readSpan(folder === "" ? name : `${folder}/${name}`, 0, largestFile).toString("utf8")];
      } catch (error) {
        if (error instanceof Unreadable) return [];
        throw error;
      }
    });
