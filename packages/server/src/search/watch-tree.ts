import { type BigIntStats, type FSWatcher, lstatSync, readdirSync, watch } from "node:fs";

export interface WatchTreeOptions {
  /** Whether what lies at a path is not followed; that of a folder ends with `/`. */
  readonly hides: (path: string) => boolean;
  /** A file may have changed, come or gone, or a folder has gone. Paths are relative, with `/`. */
  readonly changed: (path: string) => void;
  /** What may be missed from now on, and why. */
  readonly fault: (message: string) => void;
}

interface Watched {
  readonly watcher: FSWatcher;
  /** Another folder may stand at the same path later. */
  readonly ino: bigint;
}

/**
 * Tells what changes below a folder, without following links. On Linux each folder is watched, and no file by itself: a watcher a file, as other
 * libraries have it, is half a gigabyte for a hundred thousand. Returns once all is watched, with what ends it.
 */
export function watchTree(root: string, { hides, changed, fault }: WatchTreeOptions): () => void {
  if (process.platform !== "linux") {
    const watcher = watch(root, { recursive: true }, (_, name) => {
      const path = name?.replaceAll("\\", "/");
      if (path !== undefined && !hides(path)) changed(path);
    });
    watcher.on("error", ({ message }) => fault(message));
    return () => watcher.close();
  }
  const watched = new Map<string, Watched>();
  const at = (path: string): string => (path === "" ? root || "/" : `${root}/${path}`);

  const leave = (folder: string): void => {
    for (const [path, { watcher }] of watched) {
      if (folder !== "" && path !== folder && !path.startsWith(`${folder}/`)) continue;
      watcher.close();
      watched.delete(path);
    }
  };

  /** Watches a folder and those in it. `fresh` ones tell the files that came before they were watched. */
  const enter = (folder: string, fresh: boolean): void => {
    const waiting = [folder];
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      const stat = statOf(at(path));
      if (!stat?.isDirectory() || watched.get(path)?.ino === stat.ino) continue;
      if (watched.has(path)) leave(path);
      try {
        const own = path;
        const watcher = watch(at(path), (_, name) => heard(own, name));
        watcher.on("error", () => leave(own));
        watched.set(path, { watcher, ino: stat.ino });
        for (const entry of readdirSync(at(path), { withFileTypes: true })) {
          const inside = path === "" ? entry.name : `${path}/${entry.name}`;
          if (!entry.isDirectory()) {
            if (fresh && !hides(inside)) changed(inside);
          } else if (!hides(`${inside}/`)) waiting.push(inside);
        }
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        // What may not be read, or has gone again, has nothing to tell.
        if (!["EACCES", "EPERM", "ENOENT", "ENOTDIR"].includes(code ?? "")) fault(message);
      }
    }
  };

  function heard(folder: string, name: string | null): void {
    if (name === null || statOf(at(folder)) === undefined) {
      if (name !== null) leave(folder);
      if (name !== null && folder === "") fault("The folder has gone.");
      changed(folder);
      return;
    }
    const path = folder === "" ? name : `${folder}/${name}`;
    if (statOf(at(path))?.isDirectory()) {
      if (!hides(`${path}/`)) enter(path, true);
      return;
    }
    if (watched.has(path)) leave(path);
    else if (hides(path)) return;
    changed(path);
  }

  enter("", false);
  if (!watched.has("")) fault("The folder is not there, or may not be watched.");
  return () => leave("");
}

function statOf(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
