import { appendFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Figure, inMegabytes, inMs, inSeconds, percentile, times } from "../figures.ts";
import { peakDuring, residentOf } from "../memory.ts";
import { makeNotes, type Tree, writeTree } from "../notes-tree.ts";
import { openFts5 } from "../peers/fts5.ts";
import { count } from "../peers/ripgrep.ts";
import { launch, type Server } from "../server.ts";

export interface PassagesOptions {
  /** A folder that may be filled, and is removed afterwards by who made it. */
  readonly base: string;
  readonly passages: number;
  /** How many queries each peer is asked: they may be slow. */
  readonly asked: { readonly fts5: number; readonly ripgrep: number };
}

const seed = 1;
const queries = 500;
/** Asked before anything is timed, and not among the others. */
const warming = 50;
const changes = 20;

/** Indexing, queries and changed files over a tree of notes, beside FTS5 over the same passages and ripgrep over the same files. */
export async function measurePassages({ base, passages, asked }: PassagesOptions): Promise<readonly Figure[]> {
  const [folder, data] = [join(base, "notes"), join(base, "data")];
  const written = writeTree(folder, { seed, passages, queries: queries + warming });
  const isWarming = (number: number): boolean => number % (queries / warming + 1) === 0;
  const warm = written.queries.filter((_, number) => isWarming(number));
  const tree = { ...written, queries: written.queries.filter((_, number) => !isWarming(number)) };
  const server = launch(folder, data);
  let figures: Figure[];
  let found: readonly number[];
  try {
    const { result, peak } = await peakDuring(server.pid, server.ask("start", {}));
    const late = await server.ask("loop", {});
    const kept = sizeOf(data);
    const { documents, chunks, failed } = await server.ask("status", {});
    const first = await server.ask("times", { queries: warm.slice(0, 1), limit: 10 });
    await server.ask("times", { queries: warm, limit: 10 });
    found = await server.ask("times", { queries: tree.queries, limit: 10 });
    const single = await server.ask("times", { queries: tree.queries, limit: 1 });
    const resident = residentOf(server.pid);
    const followed = await changeFiles(server, folder, tree);
    figures = [
      { what: `files, ${failed} not searchable`, measured: String(documents), aim: String(tree.files) },
      { what: "passages in the index", measured: String(chunks), peer: `${tree.passages} written` },
      { what: "indexing", measured: inSeconds(result.ms) },
      { what: "  text a second", measured: `${(tree.bytes / 1e3 / result.ms).toFixed(1)} MB` },
      { what: "  processor time, all threads", measured: inSeconds(result.cpuMs) },
      { what: "  event loop late by, at most", measured: inMs(late), aim: "50 ms" },
      { what: "  memory at its peak", measured: inMegabytes(peak), aim: "400 MB" },
      { what: "data folder by byte of text", measured: (kept / tree.bytes).toFixed(2), peer: "0.37 (the README's)" },
      { what: "memory after the queries", measured: inMegabytes(resident), aim: "400 MB" },
      { what: "first query", measured: inMs(first[0] ?? Number.NaN) },
      { what: "query p50, one result wanted", measured: inMs(percentile(single, 0.5)) },
      { what: "changed file found after, p50", measured: inMs(percentile(followed, 0.5)) },
      { what: "  at most, of 20", measured: inMs(Math.max(...followed)), aim: "1000 ms" },
    ];
  } finally {
    await server.stop();
  }
  return [...figures, ...besidePeers(base, folder, { tree, passages, asked, found })];
}

function besidePeers(
  base: string,
  folder: string,
  given: Pick<PassagesOptions, "passages" | "asked"> & { readonly tree: Tree; readonly found: readonly number[] },
): readonly Figure[] {
  const { tree, passages, asked, found } = given;
  const fts5 = openFts5({ path: join(base, "fts5.db"), tokenize: "porter unicode61" });
  const began = performance.now();
  for (const note of makeNotes(seed, passages)) for (const passage of note.passages) fts5.add(passage);
  fts5.commit();
  const indexed = performance.now() - began;
  const byFts5 = timeAll(tree.queries.slice(0, asked.fts5), (query) => fts5.search(query, "OR"));
  fts5.close();
  const byRipgrep = timeAll(tree.queries.slice(0, asked.ripgrep), (query) => count(folder, query));
  const beside = (what: string, peer: readonly number[], aim?: string): readonly Figure[] =>
    [0.5, 0.99].map((share) => {
      const [mine, theirs] = [percentile(found, share), percentile(peer, share)];
      return {
        what: `query p${share * 100} beside ${what}`,
        measured: inMs(mine),
        peer: inMs(theirs),
        ratio: `${times(theirs / mine)} as fast`,
        ...(aim && { aim }),
      };
    });
  return [
    { what: "FTS5 indexes the same (one thread, with making the text)", measured: "", peer: inSeconds(indexed) },
    ...beside("FTS5, terms OR-ed", byFts5),
    ...beside("ripgrep, counting", byRipgrep, "20× as fast"),
  ];
}

const timeAll = (asked: readonly string[], ask: (query: string) => unknown): readonly number[] =>
  asked.map((query) => {
    const before = performance.now();
    ask(query);
    return performance.now() - before;
  });

/** How long after each write its new word is found, in ms. */
async function changeFiles(server: Server, folder: string, { passages }: Tree): Promise<readonly number[]> {
  const paths: string[] = [];
  for (const note of makeNotes(seed, Math.min(passages, 5_000))) if (paths.push(note.path) >= changes) break;
  const waits: number[] = [];
  for (const [number, path] of paths.entries()) {
    const word = `zuletzt${"abcdefghijklmnopqrst"[number]}geschrieben`;
    const found = server.ask("until", { query: word, withinMs: 30_000 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const wrote = performance.timeOrigin + performance.now();
    appendFileSync(join(folder, path), `\n## Added\n\nThe word is ${word} now.\n`);
    waits.push((await found) - wrote);
  }
  return waits;
}

const sizeOf = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
