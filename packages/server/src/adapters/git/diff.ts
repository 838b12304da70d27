import { CallError } from "@portcullis/contracts";
import type { Tool, Use } from "../adapter.ts";
import { resolveAsked, toCollections } from "./asked-paths.ts";
import { collect, type OpenRepository, withRepository } from "./open-repository.ts";
import { firstParentOf, readDiff } from "./read-diff.ts";
import { GitFailure } from "./run-git.ts";
import { DiffInput, DiffOutput } from "./schemas.ts";
import type { GitSource } from "./source.ts";

/** `git.diff`: what changed between two commits, or in one. */
export const createDiff = (source: GitSource): Tool<DiffInput, DiffOutput> => ({
  name: "git.diff",
  title: "Compare commits",
  summary: "Tells what changed between two commits, or in one, file by file as unified patches.",
  safety: "Shows only files that policy allows, from git's own objects; runs nothing that a repository names.",
  effect: "read",
  labels: {},
  input: DiffInput,
  output: DiffOutput,
  touches: (input) => toCollections(resolveAsked(source.place, toFolder(input))),
  run: (input, use) => diff(source, input, use),
  filter: (output, allows) => ({
    ...output,
    files: output.files.filter(({ path }) => allows({ kind: "git", repository: output.repository, path })),
  }),
});

const toFolder = ({ repository }: DiffInput) => (repository === undefined ? {} : { repository });

async function diff(source: GitSource, input: DiffInput, use: Use): Promise<DiffOutput> {
  const { folder } = resolveAsked(source.place, toFolder(input));
  return withRepository(source, { path: folder, use }, async (repository) => {
    const ends = await findEnds(repository, folder, input.revRange);
    const { files, truncated } = await readDiff(repository, ends, {
      ...{ glob: input.pathGlob, context: input.context, room: use.permit.maxBytes },
    });
    return { repository: repository.top, uri: repository.uri, ...ends, files: [...files], truncated };
  });
}

/** `A..B`, `A...B` (since they parted), or one commit against its first parent. */
async function findEnds(
  repository: OpenRepository,
  path: string,
  range: string,
): Promise<{ readonly from: string; readonly to: string }> {
  const [, left = "", dots, right = ""] = /^(.*?)(\.\.\.?)(.*)$/.exec(range) ?? [];
  if (dots === undefined) {
    const to = await repository.commitOf(range);
    return { from: await firstParentOf(repository, to), to };
  }
  const from = await repository.commitOf(left || "HEAD");
  const to = await repository.commitOf(right || "HEAD");
  if (dots === "..") return { from, to };
  const base = await collect(repository.git(["merge-base", "--end-of-options", from, to])).catch((error: unknown) => {
    if (!(error instanceof GitFailure) || error.stderr !== "") throw error;
    throw new CallError("VALIDATION_ERROR", `${range} has no common commit to begin at.`, {
      details: { path, reason: "merge_base", next: "Compare the two as they are, with two dots." },
    });
  });
  return { from: base.split("\n")[0] ?? from, to };
}
