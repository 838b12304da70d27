import { CallError } from "@portcullis/contracts";
import { RE2JS } from "re2js";
import type { Tool, Use } from "../adapter.ts";
import { resolveAsked, toCollections, toPathspecs } from "./asked-paths.ts";
import { judgeAhead, shownFiles } from "./log.ts";
import { logOptions, toRange } from "./log-options.ts";
import { type OpenRepository, withRepository } from "./open-repository.ts";
import { parseLog } from "./parse-log.ts";
import { readCommits } from "./read-commits.ts";
import { GitCut } from "./run-git.ts";
import { type ChangedFile, type Commit, SearchInput, SearchOutput } from "./schemas.ts";
import { showCommit, withFiles } from "./show-commit.ts";
import type { GitSource } from "./source.ts";

/** `git.search`: the commits that brought a text in or took it out. */
export const createSearch = (source: GitSource): Tool<SearchInput, SearchOutput> => ({
  name: "git.search",
  title: "Search a history's changes",
  summary:
    "Finds the commits whose changes brought a text in or took it out, or changed a line that matches a pattern.",
  safety: "Tells only of files that policy allows; what is found in a hidden file is as if it were not there.",
  effect: "read",
  labels: {},
  input: SearchInput,
  output: SearchOutput,
  touches: (input) => toCollections(resolveAsked(source.place, input)),
  run: (input, use) => search(source, input, use),
  filter: (output, allows) => ({
    ...output,
    commits: output.commits.flatMap((commit) => showCommit(commit, output.repository, allows) ?? []),
  }),
});

interface Hit {
  readonly hash: string;
  readonly files: readonly ChangedFile[];
}

async function search(source: GitSource, input: SearchInput, use: Use): Promise<SearchOutput> {
  const { folder, paths } = resolveAsked(source.place, input);
  const sought = toPickaxe(input);
  return withRepository(source, { path: folder, use }, async (repository) => {
    const rev = await repository.commitOf(input.rev ?? "HEAD");
    const args = [
      ...["log", ...logOptions, ...sought, `--max-count=${source.limits.commits}`, ...toRange(input)],
      ...["--end-of-options", rev, "--", ...toPathspecs(repository, paths)],
    ];
    const { hits, truncated } = await findHits(repository, args, input.maxCount ?? 20);
    // The commits are read anew: their messages are judged by all that they changed, not by what was found alone.
    const told = await readCommits(
      repository,
      hits.map(({ hash }) => hash),
    );
    const commits: Commit[] = [];
    let left = use.permit.maxBytes;
    for (const { hash, files } of hits) {
      const commit = told.get(hash);
      if (!commit) continue;
      const shown = withFiles(commit, files);
      left -= JSON.stringify(shown).length;
      if (left < 0) return { repository: repository.top, uri: repository.uri, commits, truncated: true };
      commits.push(shown);
    }
    return { repository: repository.top, uri: repository.uri, commits, truncated };
  });
}

async function findHits(
  repository: OpenRepository,
  args: readonly string[],
  most: number,
): Promise<{ readonly hits: readonly Hit[]; readonly truncated: boolean }> {
  const hits: Hit[] = [];
  try {
    for await (const raw of parseLog(repository.git(args))) {
      await judgeAhead(raw, repository);
      const files = shownFiles(raw, repository);
      if (files.length === 0) continue;
      if (hits.length >= most) return { hits, truncated: true };
      hits.push({ hash: raw.hash, files });
    }
    return { hits, truncated: false };
  } catch (error) {
    if (error instanceof GitCut) return { hits, truncated: true };
    throw error;
  }
}

const largestProgram = 2_000;

/** In one argument each, so that what is sought is never taken for an option. */
function toPickaxe({ text, regex, ignoreCase }: SearchInput): readonly string[] {
  if ((text === undefined) === (regex === undefined))
    throw wrongPattern("it takes either text or regex", "Give one of the two.");
  if (text !== undefined) return [`-S${text}`];
  let size: number;
  try {
    size = RE2JS.compile(regex as string).programSize();
  } catch (error) {
    throw wrongPattern(
      error instanceof Error ? error.message : "its syntax is wrong",
      "Only what RE2 and POSIX extended expressions have in common is taken: no backreferences, no lookaround.",
    );
  }
  if (size > largestProgram) throw wrongPattern(`it compiles to ${size} steps`, "Shorten its repetitions.");
  return [`-G${regex}`, ...(ignoreCase ? ["--regexp-ignore-case"] : [])];
}

const wrongPattern = (says: string, next: string): CallError =>
  new CallError("VALIDATION_ERROR", `The search cannot be made: ${says}.`, { details: { reason: "pattern", next } });
