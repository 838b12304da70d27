import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
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

/** What is unpacked lies here until it is whole. */
const draftFolder = (data: string): string => join(data, "chats.new");
const recordFile = (data: string): string => join(data, "imports", "chats.json");
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
  const draft = draftFolder(data);
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true, mode: 0o700 });
  try {
    checkSpace(draft, source);
    const taken = await takeExport(source, intoFolder(draft), signal);
    checkKind(taken, wanted);
    const records = readRecords(data);
    const known = records.find(({ digest }) => digest === taken.digest);
    if (known) return { ...taken, folder: join(chatsFolder(data), known.folder), known: true };
    const folder = `${taken.kind}/${new Date(now).toISOString().slice(0, 10)}-${taken.digest.slice(0, 8)}`;
    const place = join(chatsFolder(data), folder);
    // Told before it is there: an import that is cut off here can be undone, and imported again.
    writeRecords(data, [...records, { ...taken, folder, from, at: new Date(now).toISOString() }]);
    mkdirSync(join(chatsFolder(data), taken.kind), { recursive: true, mode: 0o700 });
    rmSync(place, { recursive: true, force: true });
    renameSync(draft, place);
    return { ...taken, folder: place, known: false };
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Takes the last import of a program's chats back out; undefined when there is none. */
export function undoImport(data: string, kind: ExportKind): ImportRecord | undefined {
  const records = readRecords(data);
  const last = records.findLast((record) => record.kind === kind);
  if (!last) return undefined;
  rmSync(join(chatsFolder(data), last.folder), { recursive: true, force: true });
  writeRecords(
    data,
    records.filter((record) => record !== last),
  );
  return last;
}

/** Imports whose folder is there, oldest first. */
export function readRecords(data: string): readonly ImportRecord[] {
  try {
    const records = JSON.parse(readFileSync(recordFile(data), "utf8")) as readonly ImportRecord[];
    return records.filter(({ folder }) => existsSync(join(chatsFolder(data), folder)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new NotAnExport(
      `${recordFile(data)} cannot be read: ${(error as Error).message}`,
      "Mend it or move it away.",
    );
  }
}

function writeRecords(data: string, records: readonly ImportRecord[]): void {
  mkdirSync(join(data, "imports"), { recursive: true, mode: 0o700 });
  const file = recordFile(data);
  writeFileSync(`${file}.new`, `${JSON.stringify(records, null, 1)}\n`, { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
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
