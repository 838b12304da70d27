import { createNameGlob } from "../../files/name-glob.ts";
import { toPathspecs } from "./asked-paths.ts";
import type { OpenRepository } from "./open-repository.ts";
import { parseDiff } from "./parse-diff.ts";
import { GitCut } from "./run-git.ts";
import type { FileDiff } from "./schemas.ts";

interface Ends {
  readonly from: string;
  readonly to: string;
}

interface Shown {
  /** Relative to the folder that was asked for. */
  readonly glob?: string | undefined;
  readonly context?: number | undefined;
  /** Bytes that the answer may hold. */
  readonly room: number;
}

const mostFiles = 300;
const longestPatch = 100_000;
const bytesBesidePatch = 160;

const options: readonly string[] = [
  "-r",
  "-p",
  "--no-renames",
  "--no-ext-diff",
  "--no-textconv",
  "--no-color",
  "--no-color-moved",
  "--no-relative",
  "--submodule=short",
  "--ignore-submodules=none",
  "--src-prefix=a/",
  "--dst-prefix=b/",
  "--output-indicator-new=+",
  "--output-indicator-old=-",
  "--output-indicator-context= ",
];

/** What changed between two trees, without what policy hides, and whether there is more than is told. */
export async function readDiff(
  repository: OpenRepository,
  { from, to }: Ends,
  { glob, context = 3, room }: Shown,
): Promise<{ readonly files: readonly FileDiff[]; readonly truncated: boolean }> {
  const { below, shows } = repository;
  const fits = glob === undefined ? () => true : createNameGlob(glob);
  const wants = (path: string): boolean => shows(path) && fits(below === "" ? path : path.slice(below.length + 1));
  const specs = toPathspecs(repository, [""]);
  const args = ["diff-tree", ...options, `--unified=${context}`, "--end-of-options", from, to, "--", ...specs];
  const files: FileDiff[] = [];
  let left = room;
  try {
    for await (const file of parseDiff(repository.git(args), { wants, patch: longestPatch })) {
      left -= Buffer.byteLength(JSON.stringify(file.patch)) + Buffer.byteLength(file.path) + bytesBesidePatch;
      if (left < 0 || files.length >= mostFiles) return { files, truncated: true };
      files.push(file);
    }
    return { files, truncated: false };
  } catch (error) {
    if (error instanceof GitCut) return { files, truncated: true };
    throw error;
  }
}

/** The tree of nothing, which git knows without having it. */
const nothing = {
  40: "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
  64: "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
} as const;

/** What a commit is compared with: its first parent, or nothing. */
export async function firstParentOf(repository: OpenRepository, hash: string): Promise<string> {
  let line = "";
  const args = ["rev-list", "--max-count=1", "--parents", "--end-of-options", hash, "--"];
  for await (const text of repository.git(args)) line += text;
  return line.trim().split(" ")[1] ?? nothing[hash.length === 64 ? 64 : 40];
}
