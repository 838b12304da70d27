import { realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { ServedFolder } from "../adapters/adapter.ts";
import { createSandbox } from "../ingest/sandbox/sandbox.ts";
import { createBatch } from "../search/batch.ts";
import { createFolderTree } from "../search/folder-tree.ts";
import { createIndexedFolder, refusal } from "../search/indexed-folder.ts";
import { createPace } from "../search/pace.ts";
import { createSegmentBuilder } from "../search/segment/builder.ts";
import { toServedFolders } from "../served-folders.ts";
import type { DocumentKey, TextIndex } from "../stores/store.ts";
import type { Invocation } from "./command.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { type OpenServer, openServer } from "./open-server.ts";
import type { Output } from "./output.ts";
import { lastServed, rememberServed, settingsOf } from "./settings-of.ts";
import { inert, toCount, toDuration, toSize } from "./terminal-text.ts";

const tickMs = 250;
/** Files after which the time left is told. */
const telling = 100;
const mostShown = 20;
const mostFailures = 100;

interface Added {
  readonly folders: readonly string[];
  readonly files: readonly string[];
  readonly documents: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly failed: number;
  readonly failures: readonly Failed[];
}

interface Failed {
  readonly path: string;
  readonly reason: string;
}

/** Indexes folders, and single files of known folders, until nothing is left to do. The data folder must be held. */
export async function add(invocation: Invocation, paths: readonly string[]): Promise<Exit> {
  const { output, data } = invocation;
  const given = paths.map(toGiven);
  const known = settingsOf({ ...invocation, positionals: [] }).folders;
  const before = known.length > 0 ? known : lastServed(data);
  const dirs = given.filter(({ folder }) => folder).map(({ path }) => path);
  const files = given
    .filter(({ folder }) => !folder)
    .map(({ path }) => ownerOf(path, toServedFolders([...dirs, ...before])));
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  const server = await openServer({ ...invocation, positionals: dirs });
  let added: Added;
  try {
    const began = performance.now();
    const failures: Failed[] = [];
    if (dirs.length > 0) await addFolders(server, { output, signal: interrupted.signal });
    for (const file of files) failures.push(...(await addFile(server.index, file)));
    const seconds = (performance.now() - began) / 1_000;
    const sum = dirs.length > 0 ? await sumUp(server, failures) : await sumFiles(server.index, files);
    added = {
      folders: dirs,
      files: files.map(({ folder, path }) => `${folder.path}/${path}`),
      ...sum,
      seconds,
      failed: failures.length,
      failures: failures.slice(0, mostFailures),
    };
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
    await server.stop(0);
  }
  if (known.length === 0) rememberServed(data, toServedFolders([...before, ...dirs]));
  const unserved =
    known.length > 0 ? dirs.filter((dir) => !toServedFolders(known).some(({ path }) => path === dir)) : [];
  if (output.json) output.out(JSON.stringify({ ...added, interrupted: interrupted.signal.aborted }));
  else output.out(toText(added, interrupted.signal.aborted));
  if (unserved.length > 0)
    output.err(
      inert(`${unserved.join(", ")} is searched once it is served too: name it in ALLOWED_DIR or under folders.`),
    );
  return interrupted.signal.aborted || (files.length > 0 && dirs.length === 0 && added.failed > 0)
    ? exits.no
    : exits.ok;
}

function toGiven(path: string): { readonly path: string; readonly folder: boolean } {
  try {
    const real = realpathSync(path);
    const stat = statSync(real);
    if (stat.isDirectory() || stat.isFile()) return { path: real, folder: stat.isDirectory() };
    throw new CommandError(exits.noInput, `${path} is neither a folder nor a file.`, "portcullis index add DIR");
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is nothing there" : code === "EACCES" ? "it may not be read" : message;
    throw new CommandError(exits.noInput, `${path} cannot be indexed: ${why}.`, "Check the path.");
  }
}

interface OwnedFile {
  readonly folder: ServedFolder;
  readonly path: string;
}

/** A file is indexed as one of a folder, by that folder's rules. */
function ownerOf(path: string, folders: readonly ServedFolder[]): OwnedFile {
  const [folder] = folders
    .filter((each) => path.startsWith(`${each.path}/`))
    .sort((a, b) => b.path.length - a.path.length);
  if (folder) return { folder, path: path.slice(folder.path.length + 1) };
  throw new CommandError(
    exits.noInput,
    `${path} lies in none of the folders that are served or indexed.`,
    `portcullis index add ${dirname(path)}`,
  );
}

/** Indexes all folders of a server, telling a person how far it is. */
export async function addFolders(
  server: Pick<OpenServer, "indexer" | "index">,
  { output, signal }: { output: Output; signal: AbortSignal },
): Promise<void> {
  const { indexer, index } = server;
  let settled = false;
  const done = (async () => {
    await indexer.start();
    await indexer.settled();
    settled = true;
  })();
  done.catch(() => {});
  const size = createMeter(index);
  await size();
  const began = performance.now();
  let bytes = 0;
  while (!settled && !signal.aborted) {
    await Promise.race([done, delay(tickMs, undefined, { signal }).catch(() => {})]);
    if (!output.terminal || output.json) continue;
    bytes += await size();
    const { state, done: read, total, secondsLeft } = indexer.progress();
    const rate = toSize(bytes / ((performance.now() - began) / 1_000));
    // The first few files tell nothing of the others.
    const known = secondsLeft !== undefined && state !== "walking" && read >= Math.min(telling, total);
    const left = known ? `, ${toDuration(secondsLeft)} left` : "";
    const what = state === "walking" ? "looking  " : "indexing ";
    process.stderr.write(`\r\u001b[K  ${what}  ${read} of ${total} files, ${rate}/s${left}`);
  }
  if (output.terminal && !output.json) process.stderr.write("\r\u001b[K");
  if (!signal.aborted) await done;
}

/** Tells at each call how many bytes of files have been indexed since the one before. */
function createMeter(index: TextIndex): () => Promise<number> {
  const pace = createPace();
  let last = 0;
  let file = "";
  return async () => {
    let bytes = 0;
    for (const { id, source, path } of index.entries(last)) {
      last = id;
      // The documents of one file follow each other.
      const of = `${source}/${path}`;
      if (of !== file) bytes += index.documentById(id)?.stamp.size ?? 0;
      file = of;
      await pace();
    }
    return bytes;
  };
}

/** Indexes one file; what hinders it is answered. */
async function addFile(index: TextIndex, { folder, path }: OwnedFile): Promise<readonly Failed[]> {
  const key: DocumentKey = { source: folder.path, path };
  const shown = `${folder.name}/${path}`;
  const sandbox = createSandbox();
  try {
    const owner = createIndexedFolder({ folder, index, sandbox, tree: createFolderTree(folder.path) });
    await owner.load();
    const batch = createBatch({ index, builder: createSegmentBuilder() });
    const found = await owner.examine(path);
    if (found?.kind === "read") {
      try {
        await batch.read(owner, found, { most: 8_388_608, signal: new AbortController().signal });
      } catch (error) {
        const refused = refusal(key, found.stamp, error);
        if (!refused) throw error;
        batch.forget(owner, path);
        batch.change(owner, refused);
      }
    } else if (found) batch.change(owner, found);
    await batch.write();
    const known = (await index.files(folder.path)).get(path);
    if (!known) return [{ path: shown, reason: "An ignore rule hides it." }];
    return known.reason === undefined ? [] : [{ path: shown, reason: known.reason }];
  } finally {
    await sandbox.stop();
  }
}

async function sumUp(
  { folders, index, indexer }: OpenServer,
  failures: Failed[],
): Promise<Pick<Added, "documents" | "bytes">> {
  const sum = { documents: 0, bytes: 0 };
  const nameOf = (key: DocumentKey): string =>
    `${folders.find(({ path }) => path === key.source)?.name ?? key.source}/${key.path}`;
  for (const { path: source } of folders) {
    for (const file of (await index.files(source)).values()) {
      if (file.reason !== undefined) failures.push({ path: nameOf(file), reason: file.reason });
      else {
        sum.documents += file.documents;
        sum.bytes += file.size;
      }
    }
  }
  for (const { key, reason } of await indexer.troubles()) failures.push({ path: nameOf(key), reason });
  return sum;
}

async function sumFiles(index: TextIndex, files: readonly OwnedFile[]): Promise<Pick<Added, "documents" | "bytes">> {
  const sum = { documents: 0, bytes: 0 };
  for (const { folder, path } of files) {
    const known = (await index.files(folder.path)).get(path);
    sum.documents += known?.documents ?? 0;
    sum.bytes += known?.reason === undefined ? (known?.size ?? 0) : 0;
  }
  return sum;
}

function toText({ documents, bytes, seconds, failed, failures }: Added, interrupted: boolean): string {
  const shown = failures.slice(0, mostShown).map(({ path, reason }) => `  ${path}: ${reason}`);
  return inert(
    [
      interrupted
        ? `Interrupted with ${toCount(documents, "document")} indexed; the same command goes on from there.`
        : `${toCount(documents, "document is", "documents are")} indexed (${toSize(bytes)}) after ${toDuration(seconds)}.`,
      ...(failed > 0 ? ["", `${toCount(failed, "file is", "files or folders are")} not searchable:`, ...shown] : []),
      ...(failed > shown.length ? [`  … and ${failed - shown.length} more: portcullis index status`] : []),
    ].join("\n"),
  );
}
