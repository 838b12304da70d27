import type { Resource } from "@portcullis/contracts";
import type { RawCommit } from "./parse-log.ts";
import type { ChangedFile, Commit } from "./schemas.ts";

export type Allows = (resource: Resource) => boolean;

/** Files told of one commit; a first import may hold a hundred thousand. */
const mostFiles = 500;

/**
 * A commit without what policy hides, `undefined` when nothing of it may be seen. Renames come as a deletion and an addition, so neither
 * side tells of the other. A commit that changes no file is shown to those who may see the repository's top.
 *
 * A message is free text: the hidden files' own names are struck out of it, but what it says of them in other words is not.
 */
export function showCommit(raw: RawCommit, repository: string, allows: Allows): Commit | undefined {
  const visible: RawCommit["files"][number][] = [];
  const hidden: string[] = [];
  for (const { path: written, status } of raw.files) {
    const path = written.normalize("NFC");
    // A name that is not text in UTF-8 is one that no rule could have meant.
    const shown = !path.includes("\ufffd") && allows({ kind: "git", repository, path });
    if (shown) visible.push({ path, status });
    else hidden.push(path);
  }
  if (visible.length === 0 && (hidden.length > 0 || !allows({ kind: "git", repository, path: "" }))) return undefined;
  const strike = createStriker(
    hidden,
    visible.map(({ path }) => path),
  );
  const { hash, parents, author, date, subject, body } = raw;
  return {
    hash,
    parents: [...parents],
    author: { ...author },
    date,
    subject: strike(subject),
    body: strike(body),
    files: visible.slice(0, mostFiles),
    ...(visible.length > mostFiles && { filesTruncated: true }),
  };
}

/** The same commit with some of its files: its message has been judged by all of them. */
export function withFiles(commit: Commit, files: readonly ChangedFile[]): Commit {
  const { filesTruncated: _all, ...rest } = commit;
  return { ...rest, files: files.slice(0, mostFiles), ...(files.length > mostFiles && { filesTruncated: true }) };
}

const struck = "[hidden path]";

function createStriker(hidden: readonly string[], visible: readonly string[]): (text: string) => string {
  const names = (paths: readonly string[]): string[] =>
    paths.flatMap((path) => [path, path.slice(path.lastIndexOf("/") + 1)]);
  const kept = new Set(names(visible));
  const gone = new Set(names(hidden).filter((name) => name.length > 2 && !kept.has(name)));
  if (gone.size === 0) return (text) => text;
  return (text) =>
    // Words as a path could be written in a sentence; a longer one is tried without the punctuation around it.
    text.replace(/[^\s"'`<>()[\]{},;]+/g, (word) => {
      const bare = word.replace(/[.:!?]+$/, "").replace(/^(?:\.?\/)+/, "");
      return gone.has(bare.normalize("NFC")) ? word.replace(bare, () => struck) : word;
    });
}
