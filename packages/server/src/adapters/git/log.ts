import { setImmediate } from "node:timers/promises";
import type { Tool, Use } from "../adapter.ts";
import { type Asked, fromTop, resolveAsked, toCollections, toPathspecs } from "./asked-paths.ts";
import { logOptions, toRange } from "./log-options.ts";
import { type OpenRepository, withRepository } from "./open-repository.ts";
import { parseLog, type RawCommit } from "./parse-log.ts";
import { toRefusal } from "./refusals.ts";
import { GitCut, GitFailure } from "./run-git.ts";
import { type ChangedFile, type Commit, LogInput, LogOutput } from "./schemas.ts";
import { showCommit, withFiles } from "./show-commit.ts";
import type { GitSource } from "./source.ts";

/** `git.log`: a repository's history, without the files and commits that policy hides. */
export const createLog = (source: GitSource): Tool<LogInput, LogOutput> => ({
  name: "git.log",
  title: "Read a history",
  summary: "Tells the commits of a repository, newest first, with the files that each changed.",
  safety:
    "Shows only commits that touch files which policy allows, and only those files; runs nothing that a repository names.",
  batch: "one git.log over all paths and the whole time",
  effect: "read",
  labels: {},
  input: LogInput,
  output: LogOutput,
  touches: (input) => toCollections(resolveAsked(source.place, input)),
  run: (input, use) => log(source, input, use),
  filter: (output, allows) => ({
    ...output,
    commits: output.commits.flatMap((commit) => showCommit(commit, output.repository, allows) ?? []),
  }),
});

async function log(source: GitSource, input: LogInput, use: Use): Promise<LogOutput> {
  const asked = resolveAsked(source.place, input);
  return withRepository(source, { path: asked.folder, use }, (repository) =>
    readLog(source, { asked, input, repository, room: use.permit.maxBytes }),
  );
}

interface Reading {
  readonly asked: Asked;
  readonly input: LogInput;
  readonly repository: OpenRepository;
  /** Bytes that the answer may hold. */
  readonly room: number;
}

async function readLog(source: GitSource, { asked, input, repository, room }: Reading): Promise<LogOutput> {
  const { top, uri, allows } = repository;
  const answer = { repository: top, uri };
  const commits: Commit[] = [];
  const pathspecs = toPathspecs(repository, asked.paths);
  const paths = asked.paths.map((path) => fromTop(repository, path));
  const most = input.maxCount ?? 50;
  let left = room;
  let seen = 0;
  try {
    for await (const raw of parseLog(repository.git(toArguments(source, input, pathspecs)))) {
      seen++;
      await judgeAhead(raw, repository);
      const whole = showCommit(raw, top, allows);
      const commit = whole && (pathspecs.length > 0 ? narrow(whole, raw, { repository, paths }) : whole);
      if (!commit) continue;
      left -= JSON.stringify(commit).length;
      if (commits.length >= most || left < 0) return { ...answer, commits, truncated: true };
      commits.push(commit);
    }
    return { ...answer, commits, truncated: seen >= source.limits.commits };
  } catch (error) {
    if (error instanceof GitCut) return { ...answer, commits, truncated: true };
    if (!(error instanceof GitFailure)) throw error;
    if (/does not have any commits yet/.test(error.stderr)) return { ...answer, commits: [], truncated: false };
    throw toRefusal(asked.folder, input.rev ?? "HEAD", error);
  }
}

/** A commit's message is judged by all that it changed; its files are those below the paths. Git keeps some that have none there. */
function narrow(
  commit: Commit,
  raw: RawCommit,
  { repository, paths }: { readonly repository: OpenRepository; readonly paths: readonly string[] },
): Commit | undefined {
  const files = shownFiles(raw, repository).filter(({ path }) =>
    paths.some((below) => path === below || path.startsWith(`${below}/`)),
  );
  return files.length === 0 ? undefined : withFiles(commit, files);
}

/** Those of a commit's files that may be seen. */
export const shownFiles = (raw: RawCommit, { shows }: OpenRepository): readonly ChangedFile[] =>
  raw.files.map(({ path, status }) => ({ path: path.normalize("NFC"), status })).filter(({ path }) => shows(path));

/** Files judged before other calls get their turn: a first import may hold a hundred thousand. */
const breath = 500;

export async function judgeAhead(raw: RawCommit, { top, allows }: OpenRepository): Promise<void> {
  for (let index = breath; index < raw.files.length; index += breath) {
    await setImmediate();
    for (const { path } of raw.files.slice(index - breath, index))
      allows({ kind: "git", repository: top, path: path.normalize("NFC") });
  }
}

const toArguments = ({ limits }: GitSource, input: LogInput, pathspecs: readonly string[]): readonly string[] => [
  "log",
  ...logOptions,
  "--full-diff",
  `--max-count=${limits.commits}`,
  ...toRange(input),
  "--end-of-options",
  ...(input.rev === undefined ? [] : [input.rev]),
  "--",
  ...pathspecs,
];
