import { CallError } from "@portcullis/contracts";
import type { GitFailure } from "./run-git.ts";

/** A revision that is not there, and one of which nothing may be seen: the same answer for both. */
export const noRevision = (path: string, rev: string, cause?: unknown): CallError =>
  new CallError("NOT_FOUND", `The repository has no revision ${rev}.`, {
    cause,
    details: { path, reason: "revision", rev, next: "Leave rev out, or name a branch, tag or hash." },
  });

export const noFile = (path: string, rev: string): CallError =>
  new CallError("NOT_FOUND", `There is no file ${path} at that revision.`, {
    details: { path, reason: "missing", rev, next: "git.log with this path tells the commits that have it." },
  });

/** Git's own error, whose text stays inside. */
export function toRefusal(path: string, rev: string, error: GitFailure): CallError {
  if (/bad revision|unknown revision|ambiguous argument|bad object|invalid object name/i.test(error.stderr))
    return noRevision(path, rev, error);
  return new CallError("UPSTREAM", "git could not read this repository.", {
    cause: new Error(error.stderr, { cause: error }),
    details: { path, reason: "git", next: "Tell the user: the repository is damaged, or newer than the server's git." },
  });
}

/** What was to be found first has taken git too long: nothing can be told. */
export const tooSlow = (path: string): CallError =>
  new CallError("UPSTREAM", "git took too long on this repository.", {
    details: { path, reason: "time", next: "Ask for less: a single path, fewer commits or a narrower range." },
  });
