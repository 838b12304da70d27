import { judgeAhead, shownFiles } from "./log.ts";
import { logOptions } from "./log-options.ts";
import type { OpenRepository } from "./open-repository.ts";
import { parseLog } from "./parse-log.ts";
import type { Commit } from "./schemas.ts";
import { showCommit, withFiles } from "./show-commit.ts";

/** Commits told at once; of more, the newest are. */
const mostCommits = 50;
/** Commits looked at, shown or not. */
const mostSeen = 5_000;

export interface Moved {
  /** Oldest first, as far as they may be seen. */
  readonly commits: readonly Commit[];
  /** Commits that the branch had and has no more, as far as they may be seen. */
  readonly gone: readonly string[];
  readonly truncated: boolean;
}

/** What a branch that went from one commit to another has gained and lost: lost ones mean that its history was written anew. */
export async function readMoved(repository: OpenRepository, from: string, to: string): Promise<Moved> {
  const gained = await readRange(repository, `${from}..${to}`);
  const lost = await readRange(repository, `${to}..${from}`);
  return {
    commits: gained.commits,
    gone: lost.commits.map(({ hash }) => hash),
    truncated: gained.truncated || lost.truncated,
  };
}

async function readRange(
  repository: OpenRepository,
  range: string,
): Promise<{ readonly commits: readonly Commit[]; readonly truncated: boolean }> {
  const commits: Commit[] = [];
  let seen = 0;
  const args = ["log", ...logOptions, `--max-count=${mostSeen}`, "--end-of-options", range, "--"];
  for await (const raw of parseLog(repository.git(args))) {
    seen += 1;
    await judgeAhead(raw, repository);
    const commit = showCommit(raw, repository.top, repository.allows);
    if (!commit) continue;
    const files = shownFiles(raw, repository);
    if (repository.below !== "" && files.length === 0) continue;
    if (commits.length === mostCommits) return { commits: commits.reverse(), truncated: true };
    commits.push(withFiles(commit, files));
  }
  return { commits: commits.reverse(), truncated: seen === mostSeen };
}
