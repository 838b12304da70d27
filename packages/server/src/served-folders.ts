import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { basename } from "node:path";
import type { ServedFolder } from "./adapters/adapter.ts";
import { CommandError, exits } from "./cli/exit.ts";

/**
 * The folders to serve by their real paths, each under a name of its own: the folder's, with a number behind it where two are alike. A path
 * that is no readable folder is a `CommandError`.
 */
export function toServedFolders(paths: readonly string[]): readonly ServedFolder[] {
  const folders = new Map<string, ServedFolder>();
  const names = new Set<string>();
  for (const path of paths) {
    const real = realOf(path);
    if (folders.has(real)) continue;
    const base = basename(real).replace(/[^\p{L}\p{N}._-]/gu, "-") || "root";
    let name = base;
    for (let number = 2; names.has(name); number++) name = `${base}-${number}`;
    names.add(name);
    folders.set(real, { name, path: real });
  }
  return [...folders.values()];
}

function realOf(path: string): string {
  try {
    const real = realpathSync(path);
    if (!statSync(real).isDirectory())
      throw new CommandError(exits.noInput, `${path} is not a folder.`, "Name the folder that holds it.");
    accessSync(real, constants.R_OK | constants.X_OK);
    return real === "/" ? "" : real;
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === "ENOENT"
        ? "there is nothing there"
        : code === "EACCES"
          ? "it may not be read"
          : (error as Error).message;
    throw new CommandError(
      exits.noInput,
      `${path} cannot be served: ${why}.`,
      "Check the path; folders are named after `serve`, or in ALLOWED_DIR.",
    );
  }
}
