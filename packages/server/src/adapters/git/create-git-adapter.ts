import { createRoots } from "../../files/roots.ts";
import type { Adapter, ServedFolder } from "../adapter.ts";
import { createBlame } from "./blame.ts";
import { createDiff } from "./diff.ts";
import { createLog } from "./log.ts";
import { createRefWatch } from "./ref-watch.ts";
import { createSearch } from "./search.ts";
import { createShow } from "./show.ts";
import type { GitLimits, GitSource } from "./source.ts";
import { createSubscribe } from "./subscribe.ts";

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

/** Histories of the repositories in the served folders: `git.log`, `git.diff`, `git.blame`, `git.show`, `git.search`; and the topic `git.subscribe`. Reads only, through the git program. */
export function createGitAdapter({ name, folders, home, gitPath = "git", limits = defaults }: GitOptions): Adapter {
  const roots = createRoots(folders);
  const source: GitSource = { place: { folders, home }, roots, gitPath, limits };
  const refs = createRefWatch();
  const tools = [createLog(source), createDiff(source), createBlame(source), createShow(source), createSearch(source)];
  return {
    name,
    tools: () => tools,
    topics: () => [createSubscribe(source, refs)],
    async stop() {
      refs.stop();
      roots.close();
    },
  };
}
