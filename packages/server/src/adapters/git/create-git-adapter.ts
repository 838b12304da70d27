import { createRoots } from "../../files/roots.ts";
import type { Adapter, ServedFolder } from "../adapter.ts";
import { createLog, type GitLimits } from "./log.ts";

interface GitOptions {
  readonly name: string;
  readonly folders: readonly ServedFolder[];
  /** What `~/` stands for: an absolute real path. */
  readonly home: string;
  /** The git program (2.31 or newer); by default the one on the machine's usual places. */
  readonly gitPath?: string;
  readonly limits?: GitLimits;
}

const defaults: GitLimits = { milliseconds: 15_000, bytes: 64 * 1024 * 1024, commits: 20_000 };

/** Histories of the repositories in the served folders: `git.log`. Reads only, through the git program. */
export function createGitAdapter({ name, folders, home, gitPath = "git", limits = defaults }: GitOptions): Adapter {
  const roots = createRoots(folders);
  const tools = [createLog({ place: { folders, home }, roots, gitPath, limits })];
  return {
    name,
    tools: () => tools,
    async stop() {
      roots.close();
    },
  };
}
