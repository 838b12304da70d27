import { isUtf8 } from "node:buffer";
import { CallError, type Resource } from "@portcullis/contracts";
import type { Tool, Use } from "../adapter.ts";
import { fromTop, resolveAsked, toCollections } from "./asked-paths.ts";
import { findEntry } from "./find-entry.ts";
import { type OpenRepository, withRepository } from "./open-repository.ts";
import { readCommits } from "./read-commits.ts";
import { firstParentOf, readDiff } from "./read-diff.ts";
import { noFile, noRevision } from "./refusals.ts";
import { ShowInput, ShowOutput } from "./schemas.ts";
import { showCommit } from "./show-commit.ts";
import type { GitSource } from "./source.ts";

/** `git.show`: one commit with what it changed, or a file as it was at a commit. */
export const createShow = (source: GitSource): Tool<ShowInput, ShowOutput> => ({
  name: "git.show",
  title: "Show a commit or an old file",
  summary: "Shows one commit with its patches, or, with path, a file as it was at that commit.",
  safety: "Shows only files that policy allows, from git's own objects; runs nothing that a repository names.",
  effect: "read",
  labels: {},
  input: ShowInput,
  output: ShowOutput,
  touches: (input) => toResources(source, input),
  run: (input, use) => show(source, input, use),
  filter(output, allows) {
    const { repository, commit, files } = output;
    return {
      ...output,
      ...(commit && { commit: showCommit(commit, repository, allows) ?? emptied(commit) }),
      ...(files && { files: files.filter(({ path }) => allows({ kind: "git", repository, path })) }),
    };
  },
});

/** What is left of a commit when nothing of it may be seen any more. */
const emptied = (commit: NonNullable<ShowOutput["commit"]>): NonNullable<ShowOutput["commit"]> => ({
  ...commit,
  author: { name: "", email: "" },
  subject: "",
  body: "",
  files: [],
});

const toAsked = ({ repository, path }: ShowInput) => ({
  ...(repository !== undefined && { repository }),
  ...(path !== undefined && { paths: [path] }),
});

function toResources({ place }: GitSource, input: ShowInput): readonly Resource[] {
  const asked = resolveAsked(place, toAsked(input));
  if (input.path === undefined) return toCollections(asked);
  return asked.paths.map((path) => ({ kind: "git", repository: asked.folder, path }));
}

async function show(source: GitSource, input: ShowInput, use: Use): Promise<ShowOutput> {
  const { folder, paths } = resolveAsked(source.place, toAsked(input));
  return withRepository(source, { path: folder, use }, async (repository) => {
    const rev = await repository.commitOf(input.rev);
    const answer = { repository: repository.top, uri: repository.uri, rev };
    const room = use.permit.maxBytes;
    if (input.path === undefined) return { ...answer, ...(await showWhole(repository, folder, { input, rev, room })) };
    return { ...answer, ...(await showFile(repository, { path: fromTop(repository, paths[0] ?? ""), rev, room })) };
  });
}

async function showWhole(
  repository: OpenRepository,
  folder: string,
  { input, rev, room }: { readonly input: ShowInput; readonly rev: string; readonly room: number },
): Promise<Pick<ShowOutput, "commit" | "files" | "truncated">> {
  const told = (await readCommits(repository, [rev])).get(rev);
  const commit = told && inFolder(repository, told);
  if (!commit) throw noRevision(folder, input.rev);
  const ends = { from: await firstParentOf(repository, rev), to: rev };
  const left = room - JSON.stringify(commit).length;
  const { files, truncated } = await readDiff(repository, ends, { context: input.context, room: left });
  return { commit, files: [...files], truncated };
}

/** Of a repository around the folder that was asked for, a commit is shown by what it changed in there. */
function inFolder(
  { below, shows }: OpenRepository,
  commit: NonNullable<ShowOutput["commit"]>,
): typeof commit | undefined {
  if (below === "") return commit;
  const files = commit.files.filter(({ path }) => shows(path));
  return files.length === 0 ? undefined : { ...commit, files };
}

async function showFile(
  repository: OpenRepository,
  { path, rev, room }: { readonly path: string; readonly rev: string; readonly room: number },
): Promise<Pick<ShowOutput, "path" | "content" | "encoding" | "size" | "truncated">> {
  if (path === "" || !repository.shows(path)) throw noFile(path, rev);
  const { object, size } = await findEntry(repository, rev, path);
  if (size > room) {
    throw new CallError("TOO_LARGE", `${path} has ${size} bytes at that revision; one answer may hold ${room}.`, {
      details: {
        path,
        reason: "size",
        size,
        limit: room,
        next: "Ask git.diff for what changed in it, or git.blame for some of its lines.",
      },
    });
  }
  const pieces: Buffer[] = [];
  for await (const piece of repository.gitBytes(["cat-file", "blob", object])) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  const encoding = isUtf8(bytes) ? "utf8" : "base64";
  return { path, content: bytes.toString(encoding), encoding, size, truncated: false };
}
