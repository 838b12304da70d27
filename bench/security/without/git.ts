import type { Guard } from "./guard.ts";

const tests = [
  "packages/server/src/adapters/git/git-tools.test.ts",
  "packages/server/src/adapters/git/git-log.test.ts",
];

export const gitGuards: readonly Guard[] = [
  {
    name: "hidden files are in no comparison, commit, blame or search",
    file: "adapters/git/open-repository.ts",
    from: ' && allows({ kind: "git", repository: top, path: file }),',
    to: ",",
    tests,
  },
  {
    name: "hidden files are in no history",
    file: "adapters/git/show-commit.ts",
    from: ' && allows({ kind: "git", repository, path });',
    to: ";",
    tests,
  },
  {
    name: "what lies beside the folder that was asked for is not shown",
    file: "adapters/git/open-repository.ts",
    from: "shows: (file) => inFolder(file) && ",
    to: "shows: (file) => (inFolder(file) || true) && ",
    tests,
  },
  {
    name: "a revision is a commit",
    file: "adapters/git/open-repository.ts",
    from: "`${rev}^{commit}`",
    to: "rev",
    tests,
  },
  {
    name: "a comparison's rename tells nothing of its other side",
    file: "adapters/git/read-diff.ts",
    from: '"--no-renames",',
    to: '"--find-renames",',
    tests,
  },
  {
    name: "a history's rename tells nothing of its other side",
    file: "adapters/git/log-options.ts",
    from: '"--no-renames",',
    to: '"--find-renames",',
    tests,
  },
  {
    name: "a line that a hidden file brought in is shown without its commit",
    file: "adapters/git/blame.ts",
    from: "const known = commits.has(hash) && origin !== undefined && repository.shows(origin);",
    to: "const known = true;",
    tests,
  },
  {
    name: "a message is judged by all that its commit changed",
    file: "adapters/git/log.ts",
    from: '"--full-diff",',
    to: "",
    tests,
  },
  {
    name: "a hidden file's name is struck out of messages",
    file: "adapters/git/show-commit.ts",
    from: "if (gone.size === 0) return (text) => text;",
    to: "if (gone.size >= 0) return (text) => text;",
    tests,
  },
  {
    name: "no program that a repository names for comparing",
    file: "adapters/git/read-diff.ts",
    from: '"--no-textconv",',
    to: '"--textconv",',
    tests,
  },
  {
    name: "no program that a repository names for blame",
    file: "adapters/git/blame.ts",
    from: '"--no-textconv", ',
    to: '"--textconv", ',
    tests,
  },
  {
    name: "no content passes for a patch's header",
    file: "adapters/git/parse-diff.ts",
    from: "if (names.startsWith('\"')) {",
    to: "if (names.startsWith('\"\"')) {",
    tests,
  },
  {
    name: "no submodule is entered",
    file: "adapters/git/read-diff.ts",
    from: '"--submodule=short",',
    to: '"--submodule=diff",',
    tests,
  },
];
