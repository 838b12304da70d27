import { CallError } from "@portcullis/contracts";
import { refuseAmbiguous } from "../../files/refusals.ts";
import { collect, type OpenRepository } from "./open-repository.ts";
import { noFile } from "./refusals.ts";

/** A file of a commit. */
export interface Entry {
  /** As it was committed, in whichever normal form. */
  readonly name: string;
  readonly object: string;
  readonly size: number;
}

const kinds: Readonly<Record<string, string>> = { tree: "folder", commit: "submodule" };

/** The file at a path of a commit's tree, relative to the top. Throws unless it is a regular file. */
export async function findEntry(repository: OpenRepository, commit: string, path: string): Promise<Entry> {
  const names = [...new Set([path, path.normalize("NFD")])];
  const listing = await collect(
    repository.git(["ls-tree", "-z", "-l", "--full-tree", "--end-of-options", commit, "--", ...names]),
  );
  const entries = listing.split("\0").flatMap((line) => {
    const [, mode, type, object, size, name] = /^(\d+) (\w+) ([0-9a-f]+) +(\d+|-)\t([\s\S]*)$/.exec(line) ?? [];
    return name !== undefined && names.includes(name) ? [{ mode, type, object: object as string, size, name }] : [];
  });
  const [entry, another] = entries;
  if (!entry) throw noFile(path, commit);
  if (another) throw refuseAmbiguous(path);
  const kind = entry.mode === "120000" ? "link" : kinds[entry.type ?? ""];
  if (kind) {
    throw new CallError("VALIDATION_ERROR", `${path} is a ${kind} at that revision.`, {
      details: { path, reason: kind, next: "Choose a regular file; git.log tells which files a commit changed." },
    });
  }
  return { name: entry.name, object: entry.object, size: Number(entry.size) };
}
