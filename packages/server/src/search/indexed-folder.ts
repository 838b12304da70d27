import type { ServedFolder } from "../adapters/adapter.ts";
import { NotReadable } from "../ingest/document.ts";
import { formatOf } from "../ingest/formats/format-of.ts";
import { readFile, refuseLarger } from "../ingest/read-file.ts";
import type { Sandbox } from "../ingest/sandbox/sandbox.ts";
import { type DocumentKey, type FileStamp, type IndexChange, type TextIndex, toStampText } from "../stores/store.ts";
import { type Finding, type FolderTree, noStamp } from "./folder-tree.ts";
import { createRules, readRulesOf } from "./ignore-rules.ts";
import { openFile } from "./open-file.ts";
import type { createPace } from "./pace.ts";
import { Unreadable } from "./pinned.ts";
import { type Origin, type Prepared, prepare } from "./prepare.ts";
import { binaryByName, largestFile } from "./text-kind.ts";
import { walk } from "./walk.ts";

type Pace = ReturnType<typeof createPace>;

/** What examining a file has shown: what to change about it, or, when it has to be read, what it holds. */
export type Examined = Exclude<IndexChange, { kind: "add" | "done" }> | Reading;

export interface Reading {
  readonly kind: "read";
  readonly key: DocumentKey;
  readonly stamp: FileStamp;
  /** Of all its bytes, in hex; once its documents have been taken. */
  sha256(): string;
  /** Fails with what `refusal` has an answer to when the file turns out to be unreadable. */
  readonly documents: AsyncIterable<Prepared>;
}

/** What to note of a file that cannot be read; undefined when the fault is not the file's. */
export function refusal(key: DocumentKey, stamp: FileStamp, error: unknown): Exclude<Examined, Reading> | undefined {
  if (error instanceof NotReadable) return { kind: "skip", key, stamp, reason: error.message };
  if (!(error instanceof Unreadable)) return undefined;
  // Rights may change without the stamp: it is tried again at the next start.
  return error.gone ? { kind: "remove", key } : { kind: "skip", key, stamp: noStamp, reason: error.message };
}

async function* prepared(documents: ReturnType<typeof readFile>, origin: Origin): AsyncGenerator<Prepared> {
  for await (const document of documents) yield prepare(document, origin);
}

const none = Buffer.alloc(0);

/** A served folder beside what the index knows of it. */
export interface IndexedFolder {
  readonly folder: ServedFolder;
  /** Reads the rule files anew at their next use. */
  forgetRules(): void;
  /** Takes up what the index holds. */
  load(): Promise<void>;
  /** Compares the stamps of all files with the index and gives the paths that have to be examined; it opens no file but rule files. */
  scan(pace: Pace, signal: AbortSignal): AsyncGenerator<string>;
  /** The paths known at or below one. */
  below(path: string): readonly string[];
  /** What the index has to change about a path; undefined when nothing. A file whose stamp is known is not opened. */
  examine(path: string): Promise<Examined | undefined>;
  /** Notes that a change has been applied. */
  noted(change: IndexChange): void;
  /** Folders that could not be listed and rules that are not honoured, with the reason. */
  troubles(): readonly { readonly key: DocumentKey; readonly reason: string }[];
}

export interface IndexedFolderOptions {
  readonly folder: ServedFolder;
  readonly index: TextIndex;
  readonly tree: FolderTree;
  readonly sandbox: Pick<Sandbox, "read">;
}

export function createIndexedFolder({ folder, index, tree, sandbox }: IndexedFolderOptions): IndexedFolder {
  const source = folder.path;
  const readRules = readRulesOf(tree);
  let rules = createRules(readRules);
  let known = new Map<string, string>();
  let unlisted = new Map<string, string>();

  const isKnown = (path: string, stamp: FileStamp): boolean => known.get(path) === toStampText(stamp);
  const isThere = (path: string): boolean => {
    try {
      return tree.find(path).kind === "folder";
    } catch {
      return false;
    }
  };
  const find = (path: string): Finding | undefined => {
    try {
      return tree.find(path);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      return error.gone ? undefined : { kind: "other", stamp: noStamp, reason: error.message };
    }
  };

  function look(key: DocumentKey, stamp: FileStamp): Examined {
    const { path } = key;
    const format = formatOf(path, none);
    const reason = format ? undefined : binaryByName(path);
    if (reason !== undefined) return { kind: "skip", key, stamp, reason };
    try {
      // Exports of chats are JSON of any size, told by what they begin with.
      if (!/\.jsonl?$/i.test(path)) refuseLarger(stamp.size, format?.largest ?? largestFile);
      const file = openFile(tree, path, stamp);
      if (file.small && known.has(path) && file.sha256() === index.sha256(key)) return { kind: "stamp", key, stamp };
      const bytes = file.small ? file.whole() : none;
      const origin = { path, bytes, stamp, sha256: file.sha256() };
      return { kind: "read", key, stamp, sha256: file.sha256, documents: prepared(readFile(file, sandbox), origin) };
    } catch (error) {
      const refused = refusal(key, stamp, error);
      if (!refused) throw error;
      return refused;
    }
  }

  return {
    folder,
    forgetRules: () => {
      rules = createRules(readRules);
    },
    async load() {
      known = await index.stamps(source);
    },
    async *scan(pace, signal) {
      const seen = new Set<string>();
      const failed = new Map<string, string>();
      for await (const found of walk({ tree, rules, pace })) {
        signal.throwIfAborted();
        if ("unreadable" in found) {
          if (found.path === "" || !found.unreadable.gone) failed.set(found.path, found.unreadable.message);
          continue;
        }
        seen.add(found.path);
        if (!isKnown(found.path, found.finding.stamp)) yield found.path;
      }
      unlisted = failed;
      const isUnlisted = (path: string): boolean =>
        [...failed.keys()].some((inside) => inside === "" || path.startsWith(`${inside}/`));
      for (const path of known.keys()) {
        if (!seen.has(path) && !isUnlisted(path)) yield path;
        await pace();
      }
    },
    below: (path) => [...known.keys()].filter((other) => other === path || other.startsWith(`${path}/`)),
    async examine(path) {
      const key = { source, path };
      const gone: Examined | undefined = known.has(path) ? { kind: "remove", key } : undefined;
      if (rules.hidesWithParents(path)) return gone;
      const finding = find(path);
      // While the whole folder is away (a disk not mounted) its documents are kept: they are no hits, and nothing is read again later.
      if (!finding) return isThere("") ? gone : undefined;
      if (finding.kind === "folder") return gone;
      if (finding.stamp !== noStamp && isKnown(path, finding.stamp)) return undefined;
      if (finding.kind === "other") return { kind: "skip", key, stamp: finding.stamp, reason: finding.reason };
      return look(key, finding.stamp);
    },
    noted(change) {
      const { path } = change.key;
      // Until a file is done it counts as unread, here as in the index.
      if (change.kind === "add") known.delete(path);
      else if (change.kind === "remove") known.delete(path);
      else known.set(path, toStampText(change.stamp));
    },
    troubles: () => [
      ...[...unlisted].map(([path, reason]) => ({ key: { source, path }, reason })),
      ...rules.refused().map(({ folder: inside, line }) => ({
        key: { source, path: inside },
        reason: `An ignore rule has too many wildcards and is not honoured: ${line}`,
      })),
    ],
  };
}
