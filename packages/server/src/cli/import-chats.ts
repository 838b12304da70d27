import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { type Imported, importExport, tryExport, undoImport } from "../chat-archive/archive.ts";
import { NotAnExport, openExport } from "../chat-archive/open-export.ts";
import { chatsFolder } from "../chat-archive/place.ts";
import type { ExportKind } from "../chat-archive/take-export.ts";
import { acquireDataFolder, DataFolderError, ensureDataFolder } from "../stores/data-folder.ts";
import type { Invocation } from "./command.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { addFolders } from "./index-add.ts";
import { openServer } from "./open-server.ts";
import { print } from "./output.ts";
import { lastServed } from "./settings-of.ts";
import { inert, toCount, toSize } from "./terminal-text.ts";
import { withDataFolder } from "./with-data-folder.ts";

const verbs: Readonly<Record<ExportKind, string>> = { chatgpt: "chatgpt", claude: "claude-chats" };

/** `import chatgpt EXPORT`: takes an official export into the folder of chats, and has it searched. */
export async function importChats(invocation: Invocation, kind: ExportKind): Promise<Exit> {
  const { values, positionals, output, data } = invocation;
  const [verb = "", given, ...more] = positionals;
  if (values.undo === true ? given !== undefined : given === undefined || more.length > 0)
    throw new CommandError(
      exits.usage,
      values.undo === true
        ? `--undo takes the last import of ${verb} back and needs no file.`
        : `import ${verb} needs the export: one zip file, or the folder that it was unpacked into.`,
      values.undo === true ? `portcullis import ${verb} --undo` : `portcullis import ${verb} ~/Downloads/export.zip`,
    );
  return withDataFolder(data, async () => {
    ensureDataFolder(data);
    try {
      if (given === undefined) return await undo(invocation, kind);
      return await take(invocation, { kind, path: resolve(given) });
    } catch (error) {
      if (!(error instanceof NotAnExport)) throw error;
      throw new CommandError(exits.data, `Nothing was imported. ${inert(error.message)}`, inert(error.next));
    }
  });

  async function undo({ data }: Invocation, of: ExportKind): Promise<Exit> {
    const record = undoImport(data, of);
    if (!record)
      throw new CommandError(
        exits.no,
        `No chats of ${verb} were imported, or that was undone.`,
        `portcullis import ${verb} FILE`,
      );
    const indexed = await index(invocation);
    const { conversations, from, at, folder } = record;
    print(
      output,
      { undone: { conversations, from, at, folder }, indexed },
      inert(
        `Taken back: ${toCount(conversations, "conversation")} from ${from} of ${at.slice(0, 10)}.${afterwards(indexed)}`,
      ),
    );
    return exits.ok;
  }
}

async function take(invocation: Invocation, { kind, path }: { kind: ExportKind; path: string }): Promise<Exit> {
  const { values, output, data } = invocation;
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  const source = await openExport(path);
  let done: Imported;
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupt);
  try {
    const importing = { data, from: path, now: Date.now(), signal: interrupted.signal, wanted: kind };
    done = await (values["dry-run"] === true ? tryExport : importExport)(source, importing);
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    throw new CommandError(exits.no, "Interrupted: nothing was imported.", "The same command begins anew.");
  } finally {
    source.close();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, interrupt);
  }
  const written = values["dry-run"] !== true && !done.known;
  const indexed = written ? await index(invocation) : undefined;
  print(
    output,
    { ...done, from: path, others: source.others, written, ...(indexed && { indexed }) },
    inert(toText(done, { path, others: source.others, dry: values["dry-run"] === true, indexed, verb: verbs[kind] })),
  );
  return exits.ok;
}

/** How the chats are found: `now` they are, `server` sees to it, `restart` says that it has to be told. */
type Indexed = "now" | "server" | "restart";

/** Indexes what has changed, unless a server holds the index: that follows its folders by itself. */
async function index(invocation: Invocation): Promise<Indexed> {
  const { data, output } = invocation;
  let lock: Disposable & { release(): void };
  try {
    lock = acquireDataFolder(data);
  } catch (error) {
    if (!(error instanceof DataFolderError) || error.reason !== "in-use") throw error;
    return servesChats(invocation) ? "server" : "restart";
  }
  try {
    const server = await openServer({ ...invocation, positionals: [] });
    try {
      await addFolders(server, { output, signal: new AbortController().signal });
    } finally {
      await server.stop(0);
    }
    return "now";
  } finally {
    lock.release();
  }
}

/** A server takes the folder of chats up when it starts. */
const servesChats = ({ data }: Invocation): boolean => lastServed(data).includes(realpathSync(chatsFolder(data)));

const afterwards = (indexed: Indexed | undefined): string =>
  indexed === "now"
    ? " The index knows."
    : indexed === "server"
      ? " The running server sees to its index by itself."
      : indexed === "restart"
        ? "\n  → Restart the server: it serves the folder of chats from then on."
        : "";

interface Telling {
  readonly path: string;
  readonly others: number;
  readonly dry: boolean;
  readonly indexed: Indexed | undefined;
  readonly verb: string;
}

function toText({ conversations, files, bytes, unread, folder, known }: Imported, telling: Telling): string {
  const { path, others, dry, indexed, verb } = telling;
  const what = `${toCount(conversations, "conversation")} (${toSize(bytes)} in ${toCount(files.length, "file")}) of ${path}`;
  const left = [
    ...(others > 0
      ? [`${toCount(others, "other file is", "other files are")} left out: pictures and the account's own data.`]
      : []),
    ...(unread > 0 ? [`${toCount(unread, "entry is", "entries are")} too long to be read.`] : []),
  ];
  if (known)
    return [`${what}: imported before, so nothing was changed.`, ...(folder ? [`  ${folder}`] : [])].join("\n");
  if (dry) return [`Would import ${what}.`, ...left, "Nothing was written."].join("\n");
  return [
    `Imported ${what}.${afterwards(indexed)}`,
    `  ${folder}`,
    ...left,
    `To go back: portcullis import ${verb} --undo`,
  ].join("\n");
}
