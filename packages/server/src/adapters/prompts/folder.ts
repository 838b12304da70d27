import { constants } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { readTemplate, type Template } from "./template.ts";

export interface PromptFolder {
  /** By their names. */
  templates(): ReadonlyMap<string, Template>;
  /** Another number whenever the templates may be others than before. */
  version(): number;
  /** Reads the folder, and again whenever it looks different, until the signal fires. */
  follow(signal: AbortSignal): Promise<void>;
}

export interface PromptFolderOptions {
  readonly folder: string;
  /** For the owner's log: what is wrong with which file. */
  tell(message: string): void;
  readonly pollMs?: number;
}

const mostFiles = 256;
const mostBytes = 65_536;

/** A folder of templates, one in each `.md` file. It is looked at rather than watched, which sees renames, links and a folder that comes later. */
export function openPromptFolder({ folder, tell, pollMs = 500 }: PromptFolderOptions): PromptFolder {
  let templates: ReadonlyMap<string, Template> = new Map();
  let known: string | undefined;
  let version = 0;

  const look = async (): Promise<void> => {
    const files = await list(folder);
    const seen = files.map(({ name, mark }) => `${name} ${mark}`).join("\n");
    if (seen === known) return;
    const read = new Map<string, Template>();
    const say = (name: string, what: string): void => tell(`The prompt ${join(folder, name)} is not offered. ${what}`);
    for (const { name } of files.slice(0, mostFiles)) {
      const text = await readText(join(folder, name)).catch((error: Error) => error);
      if (typeof text !== "string") {
        say(name, text.message);
        continue;
      }
      const found = readTemplate(name, text);
      if ("fault" in found) say(name, found.fault);
      else if (read.has(found.template.listed.name))
        say(name, `Another file has the name ${found.template.listed.name}.`);
      else read.set(found.template.listed.name, found.template);
    }
    if (files.length > mostFiles) tell(`${folder} holds more than ${mostFiles} prompts; the rest are not offered.`);
    known = seen;
    templates = read;
    version += 1;
  };

  return {
    templates: () => templates,
    version: () => version,
    async follow(signal) {
      await look();
      const run = async (): Promise<void> => {
        while (!signal.aborted) {
          await setTimeout(pollMs, undefined, { signal, ref: false }).catch(() => undefined);
          if (!signal.aborted) await look().catch((error: Error) => tell(`${folder} cannot be read. ${error.message}`));
        }
      };
      void run();
    },
  };
}

async function list(folder: string): Promise<readonly { readonly name: string; readonly mark: string }[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const wanted = names.filter((name) => /^[^.].*\.md$/.test(name)).sort();
  const found = wanted.slice(0, mostFiles + 1).map(async (name) => {
    const facts = await stat(join(folder, name), { bigint: true }).catch(() => undefined);
    return facts ? [{ name, mark: `${facts.ino} ${facts.size} ${facts.mtimeNs} ${facts.ctimeNs}` }] : [];
  });
  return (await Promise.all(found)).flat();
}

/** A regular file's text. Without NONBLOCK, opening a FIFO would wait for a writer that never comes. */
async function readText(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw new Error("It is no regular file.");
    const buffer = Buffer.alloc(mostBytes + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read)
      read = (await file.read(buffer, length, buffer.length - length, length)).bytesRead;
    if (length > mostBytes) throw new Error(`It has more than ${mostBytes} bytes.`);
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(buffer.subarray(0, length));
    } catch {
      throw new Error("It is not UTF-8.");
    }
  } finally {
    await file.close();
  }
}
