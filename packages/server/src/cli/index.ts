import { existsSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import type { ServedFolder } from "../adapters/adapter.ts";
import { fromDocumentId } from "../search/document-id.ts";
import { createPace } from "../search/pace.ts";
import { createSegmentBuilder } from "../search/segment/builder.ts";
import { acquireDataFolder, DataFolderError, readHolder } from "../stores/data-folder.ts";
import type { DocumentKey, TextIndex } from "../stores/store.ts";
import type { Command, Invocation } from "./command.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { add } from "./index-add.ts";
import { status } from "./index-status.ts";
import { openServer } from "./open-server.ts";
import { print } from "./output.ts";
import { lastServed, rememberServed, servedOf, settingsOf } from "./settings-of.ts";
import { inert, toCount } from "./terminal-text.ts";
import { withDataFolder } from "./with-data-folder.ts";

export const index: Command = {
  usage: "add DIR… | status [--watch] | rebuild | forget PATH",
  summary: "Index folders before they are served, and tell what the index has, waits for and cannot read",
  options: {
    watch: { type: "boolean", help: "status: go on until nothing waits, showing progress on a terminal" },
  },
  async run(invocation) {
    const [verb, ...given] = invocation.positionals;
    const want = (fits: boolean, says: string, next: string): void => {
      if (!fits) throw new CommandError(exits.usage, says, next);
    };
    switch (verb) {
      case "add":
        want(given.length > 0, "index add needs the folders to index.", "portcullis index add ~/notes");
        return alone(invocation, "portcullis index status --watch", () => add(invocation, given));
      case "status":
        want(given.length === 0, "index status takes no folder: it tells of all.", "portcullis index status");
        return status(invocation);
      case "rebuild":
        want(given.length === 0, "index rebuild takes no folder: it is for all.", "portcullis index rebuild");
        return alone(invocation, "Stop it, then: portcullis index rebuild", () => rebuild(invocation));
      case "forget":
        want(given.length === 1, "index forget needs one folder or file.", "portcullis index forget ~/notes/old");
        return alone(
          invocation,
          "Name the path in a .portcullisignore file of its folder: the server then forgets it at once.",
          () => forget(invocation, given[0] as string),
        );
      default:
        throw new CommandError(
          exits.usage,
          "index needs one of: add, status, rebuild, forget.",
          "portcullis index --help",
        );
    }
  },
};

/** Holds the data folder against a server for as long as `work` takes. A running one keeps its own index. */
async function alone(invocation: Invocation, next: string, work: () => Promise<Exit>): Promise<Exit> {
  const { data } = invocation;
  const lock = await withDataFolder(data, () => {
    try {
      return acquireDataFolder(data);
    } catch (error) {
      if (!(error instanceof DataFolderError) || error.reason !== "in-use") throw error;
      const holder = readHolder(data);
      const who = holder ? ` (${[holder.url, `pid ${holder.pid}`].filter(Boolean).join(", ")})` : "";
      throw new CommandError(
        exits.inUse,
        `A server${who} uses the data folder ${data}, and keeps the index of what it serves by itself.`,
        next,
      );
    }
  });
  try {
    return await work();
  } finally {
    lock.release();
  }
}

/** The folders that the index is of. */
const foldersOf = (invocation: Invocation): readonly string[] =>
  servedOf(settingsOf({ ...invocation, positionals: [] }), invocation.data);

async function rebuild(invocation: Invocation): Promise<Exit> {
  const folders = foldersOf(invocation);
  if (folders.length === 0)
    throw new CommandError(exits.noInput, "No folder has been served or indexed yet.", "portcullis index add ~/notes");
  const server = await openServer({ ...invocation, positionals: [] });
  try {
    for (const source of await sourcesOf(server.index, server.folders)) {
      await forgetBelow(server.index, source, "");
      if (!existsSync(source || "/"))
        invocation.output.err(
          inert(`${source} is not there now, so it is only forgotten.\n  → Later: portcullis index add ${source}`),
        );
    }
  } finally {
    await server.stop(0);
  }
  return add(invocation, folders);
}

/** The folders that are served, and those that the index still has documents of. */
async function sourcesOf(store: TextIndex, folders: readonly ServedFolder[]): Promise<ReadonlySet<string>> {
  const pace = createPace();
  const sources = new Set(folders.map(({ path }) => path));
  for (const { source } of store.entries(0)) {
    sources.add(source);
    await pace();
  }
  return sources;
}

const atOnce = 1_000;

/** Takes what lies at or below a path out of the index; "" is the whole folder. Answers how many files that were. */
async function forgetBelow(store: TextIndex, source: string, path: string): Promise<number> {
  const files = await store.files(source);
  const below = [...files.keys()].filter((each) => path === "" || each === path || each.startsWith(`${path}/`));
  const nothing = createSegmentBuilder().take();
  for (let from = 0; from < below.length; from += atOnce) {
    const changes = below
      .slice(from, from + atOnce)
      .map((each) => ({ kind: "remove", key: { source, path: each } }) as const);
    await store.apply(changes, nothing);
  }
  return below.length;
}

async function forget(invocation: Invocation, given: string): Promise<Exit> {
  const { output, data } = invocation;
  const server = await openServer({ ...invocation, positionals: [] });
  try {
    const places = placesOf(given, server.folders, await sourcesOf(server.index, server.folders));
    let files = 0;
    for (const { source, path } of places) files += await forgetBelow(server.index, source, path);
    const whole = places.filter(({ path }) => path === "").map(({ source }) => source);
    const kept = lastServed(data).filter((folder) => !whole.includes(folder));
    if (whole.length > 0)
      rememberServed(
        data,
        kept.map((path) => ({ name: "", path })),
      );
    const again = places.some(({ source }) => foldersOf(invocation).includes(source));
    const says =
      files === 0
        ? `The index has nothing at ${given}.`
        : `${toCount(files, "file is", "files are")} forgotten.${again ? "\n  → The next start indexes them again, unless .portcullisignore hides them." : ""}`;
    print(output, { forgotten: files, places }, inert(says));
    return files === 0 ? exits.no : exits.ok;
  } finally {
    await server.stop(0);
  }
}

/** What is meant: a served folder by its name, a document by its id, or whatever lies at a path, also when nothing lies there any more. */
function placesOf(
  given: string,
  folders: readonly ServedFolder[],
  sources: ReadonlySet<string>,
): readonly DocumentKey[] {
  const named = folders.find(({ name }) => name === given);
  if (named) return [{ source: named.path, path: "" }];
  const absolute = realOf(resolve(given));
  const places = [...sources].flatMap((source): DocumentKey[] => {
    if (absolute === source || source.startsWith(`${absolute}/`)) return [{ source, path: "" }];
    return absolute.startsWith(`${source}/`) ? [{ source, path: absolute.slice(source.length + 1) }] : [];
  });
  if (places.length > 0) return places;
  const id = fromDocumentId(given);
  const folder = id && folders.find(({ name }) => name === id.folder);
  return folder ? [{ source: folder.path, path: id.path }] : [];
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
