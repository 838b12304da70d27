import { CallError, type Resource } from "@portcullis/contracts";
import type { Tool, Use } from "../adapter.ts";
import { fromTop, resolveAsked } from "./asked-paths.ts";
import { findEntry } from "./find-entry.ts";
import { type OpenRepository, withRepository } from "./open-repository.ts";
import { parseBlame, type RawLine } from "./parse-blame.ts";
import { readCommits } from "./read-commits.ts";
import { noFile } from "./refusals.ts";
import { GitCut, GitFailure } from "./run-git.ts";
import { BlameInput, BlameOutput } from "./schemas.ts";
import type { GitSource } from "./source.ts";

/** `git.blame`: which commit each line of a file is from. */
export const createBlame = (source: GitSource): Tool<BlameInput, BlameOutput> => ({
  name: "git.blame",
  title: "Tell who wrote a line",
  summary: "Tells for each line of a file which commit it is from, with author, date and subject.",
  safety: "Shows only what policy allows: a line that came from a hidden file is shown without its commit.",
  effect: "read",
  labels: {},
  input: BlameInput,
  output: BlameOutput,
  touches: (input) => toResources(source, input),
  run: (input, use) => blame(source, input, use),
});

const toAsked = ({ repository, path }: BlameInput) => ({
  ...(repository !== undefined && { repository }),
  paths: [path],
});

function toResources({ place }: GitSource, input: BlameInput): readonly Resource[] {
  const { folder, paths } = resolveAsked(place, toAsked(input));
  return paths.map((path) => ({ kind: "git", repository: folder, path }));
}

const mostLines = 2_000;
const bytesBesideText = 80;

async function blame(source: GitSource, input: BlameInput, use: Use): Promise<BlameOutput> {
  const { folder, paths } = resolveAsked(source.place, toAsked(input));
  return withRepository(source, { path: folder, use }, async (repository) => {
    const rev = await repository.commitOf(input.rev ?? "HEAD");
    const path = fromTop(repository, paths[0] ?? "");
    if (path === "" || !repository.shows(path)) throw noFile(path, rev);
    const { name } = await findEntry(repository, rev, path);
    const { lines, truncated } = await readLines(repository, { ...input, name, path, rev, room: use.permit.maxBytes });
    // A line that a hidden file has brought in is not told of: neither where it was, nor in which commit.
    const hashes = new Set(lines.filter(({ origin }) => origin && repository.shows(origin)).map(({ hash }) => hash));
    const commits = await readCommits(repository, [...hashes]);
    return {
      ...{ repository: repository.top, uri: repository.uri, path, rev },
      lines: lines.map(({ hash, line, text, origin }) => {
        const known = commits.has(hash) && origin !== undefined && repository.shows(origin);
        return { line, text, ...(known && { commit: hash }) };
      }),
      commits: [...commits.values()].map(({ hash, author, date, subject }) => ({ hash, author, date, subject })),
      truncated,
    };
  });
}

interface Wanted {
  readonly name: string;
  readonly path: string;
  readonly rev: string;
  readonly startLine?: number;
  readonly endLine?: number;
  readonly room: number;
}

async function readLines(
  repository: OpenRepository,
  { name, path, rev, startLine = 1, endLine, room }: Wanted,
): Promise<{ readonly lines: readonly RawLine[]; readonly truncated: boolean }> {
  const last = Math.min(endLine ?? Number.POSITIVE_INFINITY, startLine + mostLines);
  if (last < startLine) throw noLines(path, "the last line lies before the first");
  const options = ["--line-porcelain", "--encoding=UTF-8", "--no-textconv", "--no-progress", `-L${startLine},${last}`];
  // A hash, so it needs no mark before it: blame takes none.
  const lines: RawLine[] = [];
  let left = room;
  try {
    for await (const line of parseBlame(repository.git(["blame", ...options, rev, "--", name]))) {
      left -= Buffer.byteLength(JSON.stringify(line.text)) + bytesBesideText;
      if (left < 0 || lines.length >= mostLines) return { lines, truncated: true };
      lines.push(line);
    }
    return { lines, truncated: false };
  } catch (error) {
    if (error instanceof GitCut) return { lines, truncated: true };
    const [, count] = (error instanceof GitFailure && /has only (\d+) lines?/.exec(error.stderr)) || [];
    if (count === undefined) throw error;
    if (startLine === 1) return { lines, truncated: false };
    throw noLines(path, `the file has ${count} lines`);
  }
}

const noLines = (path: string, why: string): CallError =>
  new CallError("VALIDATION_ERROR", `There are no such lines in ${path}: ${why}.`, {
    details: { path, reason: "range", next: "Ask for lines that are there, counted from one." },
  });
