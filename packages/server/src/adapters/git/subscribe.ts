import { CallError, type Resource } from "@portcullis/contracts";
import type { Follow, Happening, Topic } from "../adapter.ts";
import { resolveAsked, toCollections } from "./asked-paths.ts";
import { readMoved } from "./new-commits.ts";
import { collect, type OpenRepository, withRepository } from "./open-repository.ts";
import type { RefPlace, RefWatch } from "./ref-watch.ts";
import { type Commit, SubscribeParams } from "./schemas.ts";
import { showCommit } from "./show-commit.ts";
import type { GitSource } from "./source.ts";

interface Told extends Readonly<Record<string, unknown>> {
  readonly repository: string;
  readonly branch: string;
  /** The history was written anew: `gone` are commits that the branch has no more. */
  readonly rewritten: boolean;
  readonly commits: readonly Commit[];
  readonly gone: readonly string[];
  readonly truncated: boolean;
}

const toldOf = (happening: Happening): Told => happening.data as Told;

/** `git.subscribe`: the commits that a branch gains, without the files and commits that policy hides. */
export const createSubscribe = (source: GitSource, refs: RefWatch): Topic<SubscribeParams> => ({
  name: "git.subscribe",
  title: "Follow a branch",
  summary: "Tells which commits a branch gains, and which it loses when its history is written anew.",
  safety: "Tells only of commits that touch files which policy allows, and only of those files.",
  labels: {},
  params: SubscribeParams,
  touches: (input) => toCollections(resolveAsked(source.place, input)),
  open: (params, follow) => open({ source, refs }, params, follow),
  show(happening, allows) {
    const told = toldOf(happening);
    const commits = told.commits.flatMap((commit) => showCommit(commit, told.repository, allows) ?? []);
    if (commits.length === 0 && told.gone.length === 0) return undefined;
    return { ...happening, data: { ...told, commits } };
  },
  resources(happening): readonly Resource[] {
    const { repository, commits } = toldOf(happening);
    return commits.map(({ hash }) => ({ kind: "git", repository, path: "", rev: hash, collection: true }));
  },
});

async function open(
  { source, refs }: { readonly source: GitSource; readonly refs: RefWatch },
  params: SubscribeParams,
  follow: Follow,
): Promise<void> {
  const { folder } = resolveAsked(source.place, params);
  const within = <T>(work: (repository: OpenRepository) => Promise<T>): Promise<T> =>
    withRepository(
      source,
      { path: folder, use: { permit: follow.permit(), signal: follow.signal, progress: () => {} } },
      work,
    );
  const { branch, place, head } = await within(async (repository) => begin(repository, params.branch));
  let last = head;
  let busy = false;
  let again = false;

  const look = async (): Promise<void> => {
    await within(async (repository) => {
      const now = await headOf(repository, place.ref);
      if (now === undefined || now === last) return;
      const before = last;
      last = now;
      if (before === undefined) return;
      if (!(await isThere(repository, before))) return follow.lost();
      const moved = await readMoved(repository, before, now);
      if (moved.commits.length === 0 && moved.gone.length === 0) return;
      const told: Told = { repository: repository.top, branch, rewritten: moved.gone.length > 0, ...moved };
      follow.tell({ event: "git.newCommit", data: told });
    });
  };
  const moved = async (): Promise<void> => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      do {
        again = false;
        await look();
      } while (again && !follow.signal.aborted);
    } catch (error) {
      if (follow.signal.aborted) return;
      // What policy has closed, or what is no repository any more, ends it; anything else may pass.
      if (error instanceof CallError && (error.code === "PERMISSION_DENIED" || error.code === "NOT_FOUND"))
        follow.fail(error);
      else follow.lost();
    } finally {
      busy = false;
    }
  };
  const leave = refs.follow(place, () => void moved());
  if (follow.signal.aborted) leave();
  else follow.signal.addEventListener("abort", leave, { once: true });
}

interface Begun {
  readonly branch: string;
  readonly place: RefPlace;
  readonly head: string | undefined;
}

/** The branch that was named, else the one that is checked out now. */
async function begin(repository: OpenRepository, named: string | undefined): Promise<Begun> {
  const branch = named ?? (await checkedOut(repository));
  const ref = branch === "HEAD" ? branch : `refs/heads/${branch}`;
  const { gitDir, commonDir } = repository;
  const place = { gitDir: gitDir.real, commonDir: (commonDir ?? gitDir).real, ref };
  const head = await headOf(repository, ref);
  if (head !== undefined || named === undefined) return { branch, place, head };
  throw new CallError("NOT_FOUND", `The repository has no branch ${branch}.`, {
    details: { reason: "branch", branch, next: "Leave branch out to follow the one that is checked out." },
  });
}

async function checkedOut(repository: OpenRepository): Promise<string> {
  const name = (await collect(repository.git(["rev-parse", "--symbolic-full-name", "HEAD"])).catch(() => "")).trim();
  return name.startsWith("refs/heads/") ? name.slice("refs/heads/".length) : "HEAD";
}

/** The commit that a ref is at; undefined while there is none. */
async function headOf(repository: OpenRepository, ref: string): Promise<string | undefined> {
  try {
    return await repository.commitOf(ref);
  } catch (error) {
    if (error instanceof CallError && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}

const isThere = async (repository: OpenRepository, hash: string): Promise<boolean> =>
  (await headOf(repository, hash)) !== undefined;
