import { CallError, type Resource, toUri } from "@portcullis/contracts";
import { toCanonicalPath } from "../../files/canonical-path.ts";
import { createNameGlob } from "../../files/name-glob.ts";
import type { Tool, Use } from "../adapter.ts";
import { findFiles } from "./find-files.ts";
import { createGrepBatch } from "./grep-batch.ts";
import type { LineMatch, Sought } from "./grep-lines.ts";
import type { GrepThread, GrepThreads } from "./grep-threads.ts";
import { GrepInput, GrepOutput } from "./schemas.ts";
import type { FileSource } from "./source.ts";

export interface GrepLimits {
  /** Files and folders looked at, searched or not. */
  readonly seen: number;
  /** Bytes searched in all. */
  readonly bytes: number;
  /** The largest file that is searched. */
  readonly fileBytes: number;
  readonly milliseconds: number;
}

/** `fs.grep`: lines that match a pattern, in the files below a folder that policy shows. */
export const createGrep = (
  source: FileSource,
  threads: GrepThreads,
  limits: GrepLimits,
): Tool<GrepInput, GrepOutput> => ({
  name: "fs.grep",
  title: "Search files for a pattern",
  summary:
    "Finds the lines of files below a folder that match a pattern in RE2 syntax, with line numbers and byte offsets.",
  safety: "Opens only files that policy allows, through no link; skips binary files and what ignore files hide.",
  effect: "read",
  labels: {},
  input: GrepInput,
  output: GrepOutput,
  touches: ({ dir }) => [{ kind: "path", path: toCanonicalPath(dir, source.place), collection: true }],
  run: (input, use) => grep({ source, threads, limits }, input, use),
  filter: (output, allows) => ({
    ...output,
    matches: output.matches.filter(({ path }) => allows({ kind: "path", path })),
  }),
});

interface Grep {
  readonly source: FileSource;
  readonly threads: GrepThreads;
  readonly limits: GrepLimits;
}

type Match = GrepOutput["matches"][number];

const defaultMost = 200;

async function grep({ source, threads, limits }: Grep, input: GrepInput, use: Use): Promise<GrepOutput> {
  const dir = toCanonicalPath(input.dir, source.place);
  const { pattern, literal = false, ignoreCase = false, context = 0 } = input;
  const sought: Sought = { pattern, literal, ignoreCase, context };
  const fits = input.glob === undefined ? () => true : createNameGlob(input.glob);
  const late = AbortSignal.timeout(limits.milliseconds);
  const signal = AbortSignal.any([use.signal, late]);
  const answer = createAnswer(input.maxMatches ?? defaultMost, use.permit.maxBytes);
  const batch = createGrepBatch();
  const skipped = { binary: 0, large: 0 };
  let files = 0;
  let bytes = 0;
  let thread: GrepThread | undefined;

  const flush = async (by: GrepThread): Promise<boolean> => {
    for (const { path, found } of await batch.search(by, { sought, most: answer.left() + 1, signal })) {
      files++;
      if (found.kind === "binary") skipped.binary++;
      if (found.kind === "matches" && !answer.take(path, found.matches)) return false;
    }
    use.progress({ done: files, message: `${files} files searched` });
    return true;
  };
  /** The last files, then what was used up before all were searched. */
  const search = async (by: GrepThread): Promise<GrepOutput["truncated"]> => {
    for await (const file of findFiles(source, use, { dir, fits, signal, seen: limits.seen })) {
      if (!file) return (await flush(by)) ? "files" : answer.reason();
      const { size } = file.pinned.stat;
      try {
        if (size > limits.fileBytes) skipped.large++;
        else if (bytes + size > limits.bytes) return (await flush(by)) ? "bytes" : answer.reason();
        else {
          bytes += size;
          await batch.add(file);
        }
      } finally {
        file.pinned.close();
      }
      if (batch.isFull() && !(await flush(by))) return answer.reason();
    }
    return (await flush(by)) ? undefined : answer.reason();
  };

  let truncated: GrepOutput["truncated"];
  try {
    thread = await threads.enter(signal);
    const { fault } = await thread.ask({ sought, files: [], most: 1 }, signal);
    if (fault !== undefined) throw refusePattern(fault);
    truncated = await search(thread);
  } catch (error) {
    use.signal.throwIfAborted();
    if (!late.aborted) throw error;
    truncated = "time";
  } finally {
    batch.close();
    await thread?.leave();
  }
  return {
    ...{ dir, uri: toUri(toFolder(dir)), matches: answer.matches, files, skipped },
    ...(truncated !== undefined && { truncated }),
  };
}

const toFolder = (path: string): Resource => ({ kind: "path", path, collection: true });

/** What a match weighs in the answer beside its texts. */
const bytesBesideTexts = 120;

function createAnswer(most: number, maxBytes: number) {
  const matches: Match[] = [];
  let room = maxBytes;
  let reason: "matches" | "answer" = "matches";
  return {
    matches,
    left: (): number => most - matches.length,
    reason: (): typeof reason => reason,
    /** False when there is no room for more. */
    take(path: string, found: readonly LineMatch[]): boolean {
      for (const { before, after, ...match } of found) {
        room -= Buffer.byteLength(JSON.stringify([path, match.text, before, after])) + bytesBesideTexts;
        if (room < 0) reason = "answer";
        if (room < 0 || matches.length >= most) return false;
        matches.push({ path, ...match, ...(before && after && { before: [...before], after: [...after] }) });
      }
      return true;
    },
  };
}

const refusePattern = (fault: string): CallError =>
  new CallError("VALIDATION_ERROR", `The pattern cannot be used: ${fault}.`, {
    details: {
      reason: "pattern",
      argument: "pattern",
      next: 'Patterns are in RE2 syntax, without lookaround and backreferences; "literal": true takes any text as it is.',
    },
  });
