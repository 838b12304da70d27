import type { Finding, FolderTree } from "./folder-tree.ts";
import type { Rules } from "./ignore-rules.ts";
import type { createPace } from "./pace.ts";
import { Unreadable } from "./pinned.ts";

/** Folders inside of folders that are followed down. */
const deepest = 64;

export type Walked =
  | { readonly path: string; readonly finding: Exclude<Finding, { kind: "folder" }> }
  /** A folder that cannot be listed: nothing is known of what it holds. */
  | { readonly path: string; readonly unreadable: Unreadable };

export interface WalkOptions {
  readonly tree: FolderTree;
  readonly rules: Rules;
  readonly pace: ReturnType<typeof createPace>;
}

/** Every file below a folder that no rule hides, in no promised order. Symbolic links are named, never followed. */
export async function* walk({ tree, rules, pace }: WalkOptions): AsyncGenerator<Walked> {
  const folders = [""];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    let children: ReturnType<FolderTree["list"]>;
    try {
      children = tree.list(folder);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      yield { path: folder, unreadable: error };
      continue;
    }
    for (const { name, finding } of children) {
      const path = folder === "" ? name : `${folder}/${name}`;
      if (finding.kind === "folder") {
        if (rules.hides(`${path}/`)) continue;
        if (path.split("/").length < deepest) folders.push(path);
        else yield { path, unreadable: new Unreadable(`It lies more than ${deepest} folders deep.`) };
      } else if (!rules.hides(path)) yield { path, finding };
      await pace();
    }
  }
}
