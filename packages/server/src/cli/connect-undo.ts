import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type Entry, ourName } from "./client-entries.ts";
import { type ClientTarget, onFile, readClientFile, tokenVariable } from "./client-target.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { type Output, print } from "./output.ts";
import { copyMark, replaceText } from "./replace-text.ts";

/** Takes our entry out of a client's file, or puts back the one that it had replaced; everything else stays as it is now. */
export function undoEntry({ name, client, file }: ClientTarget, output: Output): Exit {
  const next = "Mend it, or take the entry out by hand.";
  const now = readClientFile(file);
  const entry = onFile(file, next, () => client.servers(now))[ourName];
  if (!entry || !isOurs(entry))
    throw new CommandError(
      exits.no,
      entry
        ? `The entry ${ourName} in ${file} was not written by this command, so it stays.`
        : `There is no entry ${ourName} in ${file}.`,
    );
  const before = copiesOf(file)
    .map((copy) => readBefore(() => client.servers(readClientFile(copy))[ourName]))
    .find((one) => !one || !isDeepStrictEqual(one, entry));
  const back = before && !isOurs(before) ? before : undefined;
  replaceText(
    file,
    onFile(file, next, () => client.edit(now, { [ourName]: back })),
  );
  print(
    output,
    { client: name, file, restored: back !== undefined },
    back ? `${file} has its earlier entry ${ourName} back.` : `The entry ${ourName} is out of ${file}.`,
  );
  return exits.ok;
}

/** Whether an entry reaches Portcullis in one of the ways that are written here. */
const isOurs = (entry: Entry): boolean => {
  const { args, ...rest } = entry;
  const child = Array.isArray(args) && args.includes("stdio") && args.includes("--data");
  return child || JSON.stringify(rest).includes(tokenVariable);
};

/** The copies that were kept of a file, the newest first. */
function copiesOf(file: string): readonly string[] {
  const folder = dirname(file);
  return readdirSync(folder)
    .filter((name) => name.startsWith(`${basename(file)}${copyMark}`))
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .sort()
    .reverse();
}

/** A copy that cannot be read had nothing that could be put back. */
function readBefore(read: () => Entry | undefined): Entry | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
