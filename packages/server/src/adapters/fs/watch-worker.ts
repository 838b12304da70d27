import { parentPort } from "node:worker_threads";
import { type FSWatcher, watch } from "chokidar";
import { Changes } from "./changes.ts";
import type { WatchAsked, WatchTold } from "./watch-messages.ts";

/** Changes are told once nothing has changed for this long, or after the longer time (ms). */
const quietMs = 25;
const longestMs = 250;
/** More changes at once than this are told as lost. */
const mostChanges = 5_000;

const watched = new Map<number, FSWatcher>();
const tell = (told: WatchTold): void => parentPort?.postMessage(told);

function begin(id: number, root: string): void {
  const changes = new Changes();
  let ready = false;
  let since: number | undefined;
  let timer: NodeJS.Timeout | undefined;

  const flush = (): void => {
    since = undefined;
    const taken = changes.take();
    if (taken.length > mostChanges) tell({ kind: "lost", id });
    else if (taken.length > 0) tell({ kind: "changes", id, changes: taken });
  };
  const later = (): void => {
    if (!ready) return;
    const now = performance.now();
    since ??= now;
    clearTimeout(timer);
    timer = setTimeout(flush, Math.max(0, Math.min(quietMs, since + longestMs - now)));
  };

  const watcher = watch(root, {
    followSymlinks: false,
    ignorePermissionErrors: true,
    alwaysStat: true,
    // Editors' temporary files are files too: what comes and goes at once is not told anyway.
    atomic: false,
  });
  watched.set(id, watcher);
  watcher
    .on("all", (event, path, stats) => {
      if (event === "addDir" || event === "unlinkDir") return;
      const relative = path.slice(root.length + 1);
      if (event === "unlink") changes.gone(relative);
      else changes.present(relative, stats ? `${stats.dev}:${stats.ino}` : "");
      later();
    })
    .on("ready", () => {
      changes.take();
      ready = true;
      tell({ kind: "ready", id });
    })
    .on("error", (error) => {
      const { code, message } = error as NodeJS.ErrnoException;
      tell({ kind: "fault", id, message, full: code === "ENOSPC" || code === "EMFILE" });
    });
}

parentPort?.on("message", (asked: WatchAsked) => {
  if (asked.kind === "watch") return begin(asked.id, asked.root);
  void watched.get(asked.id)?.close();
  watched.delete(asked.id);
});
