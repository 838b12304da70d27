import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { CallError } from "@portcullis/contracts";
import { decodeTime, monotonicFactory } from "ulid";

/** What a file was before it was replaced. */
export interface Version {
  readonly id: string;
  /** The real path of the file. */
  readonly path: string;
  /** When it was replaced (ISO 8601). */
  readonly at: string;
  readonly size: number;
  readonly mode: number;
  readonly sha256: string;
}

export interface VersionLimits {
  /** Versions of one file. */
  readonly perFile: number;
  /** Bytes of all of them together. */
  readonly bytes: number;
  readonly days: number;
}

interface Old {
  readonly path: string;
  readonly content: Uint8Array;
  readonly mode: number;
  readonly sha256: string;
}

/** The old versions of files that were replaced, readable by the server's user alone. */
export interface Versions {
  /** Keeps a version durably, and drops the oldest ones beyond the limits. Throws when it cannot be kept. */
  keep(old: Old): Promise<string>;
  /** Newest first; of one file, or of all. */
  list(path?: string): Promise<readonly Version[]>;
  /** Undefined when there is none of this id, or when what is left of it is not whole. */
  read(id: string): Promise<{ readonly version: Version; readonly content: Buffer } | undefined>;
}

interface Entry {
  readonly name: string;
  readonly id: string;
  readonly of: string;
  readonly size: number;
}

/** `ULID-FILE-SIZE`: what the limits need to know stands in the name, so that no file has to be opened for them. */
const named = /^([0-9A-HJKMNP-TV-Z]{26})-([0-9a-f]{32})-(\d{1,15})$/;
const longestHead = 64 * 1024;
const dayMs = 86_400_000;
const staleTempMs = 3_600_000;

/** Versions in a folder that is made at the first use. */
export function createVersions(folder: string, limits: VersionLimits): Versions {
  const nextId = monotonicFactory();

  const entries = async (): Promise<readonly Entry[]> => {
    const names = await readdir(folder).catch(() => []);
    const found = names.flatMap((name): Entry[] => {
      const [, id, of, size] = named.exec(name) ?? [];
      return id && of && size ? [{ name, id, of, size: Number(size) }] : [];
    });
    return found.sort((a, b) => (a.id < b.id ? 1 : -1));
  };

  const drop = async (name: string): Promise<void> => rm(join(folder, name), { force: true });

  const prune = async (kept: string): Promise<void> => {
    const oldest = Date.now() - limits.days * dayMs;
    const perFile = new Map<string, number>();
    let bytes = 0;
    for (const { name, id, of, size } of await entries()) {
      const count = (perFile.get(of) ?? 0) + 1;
      perFile.set(of, count);
      bytes += size;
      const over = count > limits.perFile || bytes > limits.bytes || decodeTime(id) < oldest;
      if (over && id !== kept) await drop(name);
    }
    for (const name of await readdir(folder)) {
      const id = /^([0-9A-HJKMNP-TV-Z]{26})\.tmp$/.exec(name)?.[1];
      // What a crash has left of a version that was never finished.
      if (id && decodeTime(id) < Date.now() - staleTempMs) await drop(name);
    }
  };

  const readEntry = async ({ name, id }: Entry): Promise<{ version: Version; content: Buffer } | undefined> => {
    const bytes = await readFile(join(folder, name)).catch(() => undefined);
    const end = bytes?.indexOf(0x0a) ?? -1;
    if (!bytes || end < 0 || end > longestHead) return undefined;
    const version = toVersion(id, bytes.toString("utf8", 0, end));
    const content = bytes.subarray(end + 1);
    if (version?.size !== content.length || version.sha256 !== (await digest(content))) return undefined;
    return { version, content };
  };

  const readHead = async ({ name, id }: Entry): Promise<Version | undefined> => {
    const file = await open(join(folder, name)).catch(() => undefined);
    try {
      const head = Buffer.alloc(longestHead);
      const { bytesRead } = (await file?.read(head, 0, head.length, 0)) ?? { bytesRead: 0 };
      const end = head.subarray(0, bytesRead).indexOf(0x0a);
      return end < 0 ? undefined : toVersion(id, head.toString("utf8", 0, end));
    } finally {
      await file?.close();
    }
  };

  return {
    async keep({ path, content, mode, sha256 }) {
      if (content.length > limits.bytes) {
        throw new CallError("TOO_LARGE", "The file is larger than all old versions together may be.", {
          details: {
            path,
            reason: "version",
            size: content.length,
            limit: limits.bytes,
            next: "Tell the user: files.versions.bytes has to be raised before this file can be replaced.",
          },
        });
      }
      const id = nextId();
      const head = { path, at: new Date(decodeTime(id)).toISOString(), size: content.length, mode, sha256 };
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const temp = join(folder, `${id}.tmp`);
      try {
        const file = await open(temp, "wx", 0o600);
        try {
          await file.writeFile(`${JSON.stringify(head)}\n`);
          await file.writeFile(content);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(temp, join(folder, `${id}-${toOwner(path)}-${content.length}`));
        await syncFolder(folder);
      } catch (error) {
        await rm(temp, { force: true }).catch(() => {});
        throw error;
      }
      await prune(id);
      return id;
    },
    async list(path) {
      const of = path === undefined ? undefined : toOwner(path);
      const found: Version[] = [];
      for (const entry of await entries()) {
        const version = of === undefined || of === entry.of ? await readHead(entry) : undefined;
        if (version) found.push(version);
      }
      return found;
    },
    async read(id) {
      const entry = (await entries()).find((each) => each.id === id.toUpperCase());
      return entry && readEntry(entry);
    },
  };
}

const toOwner = (path: string): string => createHash("sha256").update(path).digest("hex").slice(0, 32);

function toVersion(id: string, head: string): Version | undefined {
  try {
    const { path, at, size, mode, sha256 } = JSON.parse(head) as Version;
    return { id, path, at, size, mode, sha256 };
  } catch {
    return undefined;
  }
}

const pieceSize = 1024 * 1024;

/** SHA-256 in hex, in pieces between which other calls get their turn. */
export async function digest(bytes: Uint8Array): Promise<string> {
  const hash = createHash("sha256");
  for (let from = 0; from < bytes.length; from += pieceSize) {
    if (from > 0) await setImmediate();
    hash.update(bytes.subarray(from, from + pieceSize));
  }
  return hash.digest("hex");
}

/** Makes the names of a folder durable. Windows cannot open a folder for that, and needs not. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
