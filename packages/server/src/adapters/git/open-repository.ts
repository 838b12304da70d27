import { type Resource, toUri } from "@portcullis/contracts";
import type { Use } from "../adapter.ts";
import { findRepository, type Repository } from "./find-repository.ts";
import { noRevision, tooSlow, toRefusal } from "./refusals.ts";
import { GitCut, GitFailure, runGit, runGitBytes } from "./run-git.ts";
import type { Allows } from "./show-commit.ts";
import type { GitSource } from "./source.ts";

/** A repository that is held for one call. */
export interface OpenRepository extends Repository {
  readonly uri: string;
  /** Whether the caller may see a path, relative to the top. One that lies beside the folder asked for is not shown. */
  readonly shows: (path: string) => boolean;
  readonly allows: Allows;
  git(args: readonly string[]): AsyncGenerator<string>;
  gitBytes(args: readonly string[]): AsyncGenerator<Buffer>;
  /** The hash of the commit that a revision names; throws `NOT_FOUND`. */
  commitOf(rev: string): Promise<string>;
}

/** Runs `work` on the repository that a folder belongs to. Git's own errors become refusals. */
export async function withRepository<T>(
  source: GitSource,
  { path, use: { permit, signal } }: { readonly path: string; readonly use: Use },
  work: (repository: OpenRepository) => Promise<T>,
): Promise<T> {
  const allows = remember((resource) => permit.allows(resource));
  const repository = await findRepository({
    ...{ path, roots: source.roots, signal },
    allows: (real) => permit.allows({ kind: "git", repository: real, path: "", collection: true }),
  });
  const { top, below } = repository;
  const run = (args: readonly string[]) => ({ ...source, ...source.limits, repository, args, signal });
  const inFolder = (file: string): boolean => below === "" || file === below || file.startsWith(`${below}/`);
  const open: OpenRepository = {
    ...repository,
    uri: toUri({ kind: "git", repository: top, path: below }),
    allows,
    // A name that is not text in UTF-8 is one that no rule could have meant.
    shows: (file) => inFolder(file) && !file.includes("\ufffd") && allows({ kind: "git", repository: top, path: file }),
    git: (args) => runGit(run(args)),
    gitBytes: (args) => runGitBytes(run(args)),
    async commitOf(rev) {
      try {
        const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${rev}^{commit}`];
        const hash = (await collect(runGit(run(args)))).trim();
        if (/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(hash)) return hash;
        throw noRevision(path, rev);
      } catch (error) {
        // Quiet about what is not there; of what is no commit nothing more is told.
        const missing = error instanceof GitFailure && /^(?!.*(pack|corrupt|loose))/is.test(error.stderr);
        throw missing ? noRevision(path, rev, error) : error;
      }
    },
  };
  try {
    return await work(open);
  } catch (error) {
    if (error instanceof GitFailure) throw toRefusal(path, "HEAD", error);
    throw error instanceof GitCut ? tooSlow(path) : error;
  } finally {
    repository.close();
  }
}

export async function collect(chunks: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const chunk of chunks) text += chunk;
  return text;
}

/** A history names the same files again and again; one call asks about each once. */
export function remember(allows: Allows): Allows {
  const known = new Map<string, boolean>();
  return (resource: Resource) => {
    const uri = toUri(resource);
    const answer = known.get(uri) ?? allows(resource);
    known.set(uri, answer);
    return answer;
  };
}
