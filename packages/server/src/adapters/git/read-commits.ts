import { judgeAhead } from "./log.ts";
import { logOptions } from "./log-options.ts";
import type { OpenRepository } from "./open-repository.ts";
import { parseLog } from "./parse-log.ts";
import type { Commit } from "./schemas.ts";
import { showCommit } from "./show-commit.ts";

const atOnce = 200;

/** Commits by their hashes, each as `git.log` tells it; those of which nothing may be seen are missing. */
export async function readCommits(
  repository: OpenRepository,
  hashes: readonly string[],
): Promise<ReadonlyMap<string, Commit>> {
  const found = new Map<string, Commit>();
  for (let from = 0; from < hashes.length; from += atOnce) {
    const some = hashes.slice(from, from + atOnce);
    const args = ["log", "--no-walk=unsorted", ...logOptions, "--end-of-options", ...some, "--"];
    for await (const raw of parseLog(repository.git(args))) {
      await judgeAhead(raw, repository);
      const commit = showCommit(raw, repository.top, repository.allows);
      if (commit) found.set(raw.hash, commit);
    }
  }
  return found;
}
