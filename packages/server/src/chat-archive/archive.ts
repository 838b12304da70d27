import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { isAlive, syncFolder } from "../stores/data-folder.ts";
import { NotAnExport, type OpenExport } from "./open-export.ts";
import { chatsFolder } from "./place.ts";
import { type ExportKind, type Sink, type Taken, takeExport } from "./take-export.ts";

/** An import that was not undone. */
export interface ImportRecord extends Taken {
  /** The folder inside the archive. */
  readonly folder: string;
  /** The file or folder that it came from. */
  readonly from: string;
  /** ISO 8601. */
  readonly at: string;
}

/** What is unpacked lies in a folder of its own, named after its process, until it is whole. */
const draftName = /^chats\.new-(\d+)-/;
/** A file for each import, so that two at the same time are in nobody's way. */
const recordFolder = (data: string): string => join(data, "imports", "chats");
const recordFile = (data: string, { digest }: Pick<Taken, "digest">): string =>
  join(recordFolder(data), `${digest}.json`);
/** Bytes that are left free on the disk. */
const reserve = 64 * 1024 ** 2;

export interface Importing {
  readonly data: string;
  readonly from: string;
  readonly now: number;
  readonly signal: AbortSignal;
  /** The program whose chats the owner said these are. */
  readonly wanted: ExportKind;
}

export interface Imported extends Taken {
  /** Where its files are; undefined for a dry run. */
  readonly folder?: string;
  /** True when the very same export was imported before: nothing was changed. */
  readonly known: boolean;
}

/** Reads an export to its end without writing anything. Throws `NotAnExport`. */
export async function tryExport(source: OpenExport, { data, signal, wanted }: Importing): Promise<Imported> {
  const nowhere: Sink = async () => ({ write: async () => {}, end: async () => {} });
  const taken = await takeExport(source, nowhere, signal);
  checkKind(taken, wanted);
  return { ...taken, known: readRecords(data).some(({ digest }) => digest === taken.digest) };
}

/**
 * Takes an export into the archive: all of it or nothing, even when the power fails. The same export a second time changes nothing. Throws
 * `NotAnExport`.
 */
export async function importExport(source: OpenExport, importing: Importing): Promise<Imported> {
  const { data, from, now, signal, wanted } = importing;
  removeAbandoned(data);
  const draft = mkdtempSync(join(data, `chats.new-${process.pid}-`));
  try {
    checkSpace(draft, source);
    const taken = await takeExport(source, intoFolder(draft), signal);
    checkKind(taken, wanted);
    const known = readRecords(data).find(({ digest }) => digest === taken.digest);
    if (known) return { ...taken, folder: join(chatsFolder(data), known.folder), known: true };
    const folder = `${taken.kind}/${new Date(now).toISOString().slice(0, 10)}-${taken.digest.slice(0, 8)}`;
    const place = join(chatsFolder(data), folder);
    // Told before it is there: an import that is cut off here can be undone, and imported again.
    writeRecord(data, { ...taken, folder, from, at: new Date(now).toISOString() });
    mkdirSync(join(chatsFolder(data), taken.kind), { recursive: true, mode: 0o700 });
    syncFolder(draft);
    rmSync(place, { recursive: true, force: true });
    renameSync(draft, place);
    for (const folder of [join(place, ".."), chatsFolder(data), data]) syncFolder(folder);
    return { ...taken, folder: place, known: false };
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Takes the last import of a program's chats back out; undefined when there is none. */
export function undoImport(data: string, kind: ExportKind): ImportRecord | undefined {
  const last = readRecords(data).findLast((record) => record.kind === kind);
  if (!last) return undefined;
  rmSync(join(chatsFolder(data), last.folder), { recursive: true, force: true });
  rmSync(recordFile(data, last), { force: true });
  return last;
}

/** Imports whose folder is there, oldest first. */
function readRecords(data: string): readonly ImportRecord[] {
  const folder = recordFolder(data);
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".json")) : [];
  return names
    .map((name) => readRecord(join(folder, name)))
    .filter((record) => existsSync(join(chatsFolder(data), record.folder)))
    .sort((a, b) => (a.at < b.at ? -1 : 1));
}

function readRecord(file: string): ImportRecord {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as ImportRecord;
  } catch (error) {
    throw new NotAnExport(`${file} cannot be read: ${(error as Error).message}`, "Mend it or move it away.");
  }
}

function writeRecord(data: string, record: ImportRecord): void {
  mkdirSync(recordFolder(data), { recursive: true, mode: 0o700 });
  const file = recordFile(data, record);
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(record, null, 1)}\n`, { mode: 0o600, flush: true });
  renameSync(draft, file);
  syncFolder(recordFolder(data));
}

/** What an import left behind that was killed. */
function removeAbandoned(data: string): void {
  for (const name of readdirSync(data)) {
    const pid = Number(draftName.exec(name)?.[1]);
    if (pid > 0 && !isAlive({ pid })) rmSync(join(data, name), { recursive: true, force: true });
  }
}

function checkKind({ kind }: Taken, wanted: ExportKind): void {
  if (kind === wanted) return;
  const [is, verb] = kind === "claude" ? ["Claude's", "claude-chats"] : ["ChatGPT's", "chatgpt"];
  throw new NotAnExport(`This is ${is} export.`, `portcullis import ${verb} FILE`);
}

function checkSpace(folder: string, { parts }: OpenExport): void {
  const needed = parts.reduce((sum, { size }) => sum + size, 0);
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (needed + reserve <= free) return;
  throw new NotAnExport(
    `Its chats have ${needed} bytes, and only ${free} are free where ${folder} is.`,
    "Make room there, or choose another data folder with --data.",
  );
}

/** Writes parts into a folder, each on the disk for good when it ends. */
const intoFolder =
  (folder: string): Sink =>
  async (name) => {
    const file = await open(join(folder, name), "wx", 0o600);
    return {
      async write(piece) {
        await file.appendFile(piece);
      },
      async end() {
        await file.sync();
        await file.close();
      },
    };
  };
