import { toLines } from "./lines.ts";
import { readQuoted } from "./quoted-name.ts";
import type { FileDiff } from "./schemas.ts";

export interface DiffReading {
  /** Whether a file is wanted; what is not is passed over and never kept. */
  wants(path: string): boolean;
  /** The most characters of one file's patch. */
  readonly patch: number;
}

const longestLine = 20_000;
const lead = "diff --git ";

type Draft = { -readonly [Key in keyof FileDiff]: FileDiff[Key] } & { lines: string[]; size: number };

/**
 * Reads `git diff-tree -p --no-renames` as it comes. Only a file's header begins at the start of a line: names are quoted, and each line of
 * content has a sign before it, so no content can pass for a header. A file whose header cannot be read is passed over.
 */
export async function* parseDiff(chunks: AsyncIterable<string>, reading: DiffReading): AsyncGenerator<FileDiff> {
  let draft: Draft | undefined;
  let inHunks = false;
  for await (const line of toLines(chunks, longestLine)) {
    if (line.startsWith(lead)) {
      if (draft) yield finish(draft);
      const path = readHeader(line.slice(lead.length))?.normalize("NFC");
      draft = path !== undefined && reading.wants(path) ? begin(path) : undefined;
      inHunks = false;
    } else if (draft) {
      inHunks ||= line.startsWith("@@");
      if (inHunks) addHunkLine(draft, line, reading.patch);
      else addHeaderLine(draft, line);
    }
  }
  if (draft) yield finish(draft);
}

/** `a/NAME b/NAME`: the same name twice, as renames are told as two files. */
function readHeader(names: string): string | undefined {
  if (names.startsWith('"')) {
    const first = readQuoted(names, 0);
    const second = first && names[first.end] === " " ? readQuoted(names, first.end + 1) : undefined;
    if (!first?.name?.startsWith("a/") || second?.end !== names.length) return undefined;
    const path = first.name.slice(2);
    return second.name === `b/${path}` ? path : undefined;
  }
  const path = names.slice(2, 2 + (names.length - 5) / 2);
  return names === `a/${path} b/${path}` ? path : undefined;
}

const begin = (path: string): Draft => ({
  ...{ path, status: "modified", additions: 0, deletions: 0, patch: "" },
  ...{ lines: [], size: 0 },
});

function finish({ lines, size: _counted, ...file }: Draft): FileDiff {
  return { ...file, patch: lines.join("\n") };
}

function addHeaderLine(draft: Draft, line: string): void {
  if (line.startsWith("new file mode ")) draft.status = "added";
  if (line.startsWith("deleted file mode ")) draft.status = "deleted";
  if (/^(old|new) mode \d+$/.test(line)) draft.lines.push(line);
  if (line.startsWith("Binary files ") || line === "GIT binary patch") draft.binary = true;
}

function addHunkLine(draft: Draft, line: string, most: number): void {
  if (line.startsWith("+")) draft.additions++;
  if (line.startsWith("-")) draft.deletions++;
  draft.size += line.length + 1;
  if (draft.size <= most && line.length < longestLine) draft.lines.push(line);
  else draft.patchTruncated = true;
}
