import { setImmediate } from "node:timers/promises";
import { CallError, type Resource, toUri } from "@portcullis/contracts";
import { type Place, toCanonicalPath } from "../../files/canonical-path.ts";
import { refusePath } from "../../files/refusals.ts";
import { isWithin, type Roots } from "../../files/roots.ts";
import type { Tool, Use } from "../adapter.ts";
import { findRepository, type Repository } from "./find-repository.ts";
import { logFormat, parseLog } from "./parse-log.ts";
import { GitCut, GitFailure, runGit } from "./run-git.ts";
import { type Commit, LogInput, LogOutput } from "./schemas.ts";
import { type Allows, showCommit } from "./show-commit.ts";

/** What the tools of one git source share. */
interface GitSource {
  readonly place: Place;
  readonly roots: Roots;
  readonly gitPath: string;
  readonly limits: GitLimits;
}

export interface GitLimits {
  readonly milliseconds: number;
  /** Of git's output, shown or not. */
  readonly bytes: number;
  /** Commits looked at, shown or not. */
  readonly commits: number;
}

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
  touches: (input) => {
    const { repository, paths } = resolveInput(source.place, input);
    return paths.map(({ below }): Resource => ({ kind: "git", repository, path: below, collection: true }));
  },
  run: (input, use) => log(source, input, use),
  filter: (output, allows) => ({
    ...output,
    commits: output.commits.flatMap((commit) => showCommit(commit, output.repository, allows) ?? []),
  }),
});

/** Files judged before other calls get their turn: a first import may hold a hundred thousand. */
const breath = 500;

interface Asked {
  readonly repository: string;
  /** Relative to the folder asked for; one "" for all of it. */
  readonly paths: readonly { readonly below: string }[];
}

function resolveInput(place: Place, input: LogInput): Asked {
  const repository = toCanonicalPath(input.repository ?? ".", place);
  const inRepository: Place = { ...place, folders: [{ name: "", path: repository }] };
  const paths = (input.paths ?? ["."]).map((asked) => {
    const path = toCanonicalPath(asked, inRepository);
    if (!isWithin(path, repository)) {
      throw refusePath({
        reason: "outside",
        message: `${path} does not lie in ${repository}.`,
        next: "Give paths relative to the repository's folder.",
        path,
      });
    }
    return { below: path === repository ? "" : path.slice(repository === "/" ? 1 : repository.length + 1) };
  });
  return { repository, paths };
}

async function log(source: GitSource, input: LogInput, { permit, signal }: Use): Promise<LogOutput> {
  const { repository: path, paths } = resolveInput(source.place, input);
  const repository = await findRepository({
    path,
    roots: source.roots,
    signal,
    allows: (real) => permit.allows({ kind: "git", repository: real, path: "", collection: true }),
  });
  const { top } = repository;
  const answer = { repository: top, uri: toUri({ kind: "git", repository: top, path: repository.below }) };
  const commits: Commit[] = [];
  let room = permit.maxBytes;
  try {
    const maxCount = input.maxCount ?? 50;
    const pathspecs = toPathspecs(repository, paths);
    const args = toArguments(source.limits, input, pathspecs);
    const allows = remember((resource) => permit.allows(resource));
    let seen = 0;
    for await (const raw of parseLog(runGit({ ...source, ...source.limits, repository, args, signal }))) {
      seen++;
      for (let index = breath; index < raw.files.length; index += breath) {
        await setImmediate();
        for (const { path } of raw.files.slice(index - breath, index)) {
          allows({ kind: "git", repository: top, path: path.normalize("NFC") });
        }
      }
      const commit = showCommit(raw, top, allows);
      // Git keeps some merges that changed nothing below the paths.
      if (!commit || (pathspecs.length > 0 && commit.files.length === 0)) continue;
      room -= JSON.stringify(commit).length;
      if (commits.length >= maxCount || room < 0) return { ...answer, commits, truncated: true };
      commits.push(commit);
    }
    return { ...answer, commits, truncated: seen >= source.limits.commits };
  } catch (error) {
    if (error instanceof GitCut) return { ...answer, commits, truncated: true };
    if (error instanceof GitFailure) {
      if (/does not have any commits yet/.test(error.stderr)) return { ...answer, commits: [], truncated: false };
      throw toRefusal(path, input, error);
    }
    throw error;
  } finally {
    repository.close();
  }
}

/** A history names the same files again and again; one call asks about each once. */
function remember(allows: Allows): Allows {
  const known = new Map<string, boolean>();
  return (resource) => {
    const uri = toUri(resource);
    const answer = known.get(uri) ?? allows(resource);
    known.set(uri, answer);
    return answer;
  };
}

function toPathspecs({ below }: Repository, paths: Asked["paths"]): readonly string[] {
  const specs = paths.map((path) => [below, path.below].filter(Boolean).join("/")).filter(Boolean);
  // Git compares bytes, and a name may have been committed in either normal form.
  return [...new Set(specs.flatMap((spec) => [spec, spec.normalize("NFD")]))];
}

const toArguments = (limits: GitLimits, input: LogInput, pathspecs: readonly string[]): readonly string[] => [
  "log",
  "-z",
  "--name-status",
  "--no-renames",
  "--no-ext-diff",
  "--no-textconv",
  "--no-show-signature",
  "--no-color",
  "--no-mailmap",
  "--diff-merges=first-parent",
  "--encoding=UTF-8",
  `--format=${logFormat}`,
  `--max-count=${limits.commits}`,
  ...(input.since === undefined ? [] : [`--since=${toDate(input.since)}`]),
  ...(input.until === undefined ? [] : [`--until=${toDate(input.until)}`]),
  "--end-of-options",
  ...(input.rev === undefined ? [] : [input.rev]),
  "--",
  ...pathspecs,
];

// Git reads a bare date as that day at this very time of day.
const toDate = (text: string): string =>
  /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00` : text === "today" ? "midnight" : text;

function toRefusal(path: string, { rev }: LogInput, error: GitFailure): CallError {
  if (/bad revision|unknown revision|ambiguous argument|bad object|invalid object name/i.test(error.stderr)) {
    return new CallError("NOT_FOUND", `The repository has no revision ${rev ?? "HEAD"}.`, {
      cause: error,
      details: { path, reason: "revision", rev: rev ?? "HEAD", next: "Leave rev out, or name a branch, tag or hash." },
    });
  }
  return new CallError("UPSTREAM", "git could not read this repository.", {
    cause: new Error(error.stderr, { cause: error }),
    details: { path, reason: "git", next: "Tell the user: the repository is damaged, or newer than the server's git." },
  });
}
