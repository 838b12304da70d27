import { parentPort, workerData } from "node:worker_threads";
import { watch } from "chokidar";
import { createFolderTree } from "./folder-tree.ts";
import type { Told } from "./follow.ts";
import { createRules, readRulesOf, ruleFiles } from "./ignore-rules.ts";

/** How long changes are gathered before they are told. */
const gatherMs = 50;
/** More changes at once than this are told as "any". */
const mostChanges = 10_000;

const { root } = workerData as { readonly root: string };
const rules = createRules(readRulesOf(createFolderTree(root)));
const tell = (told: Told): void => parentPort?.postMessage(told);
const toRelative = (path: string): string => path.slice(root.length + 1);
const isRuleFile = (path: string): boolean => ruleFiles.includes(path.slice(path.lastIndexOf("/") + 1));

let gathered = new Set<string>();
let waiting = false;

function tellGathered(): void {
  waiting = false;
  const paths = [...gathered];
  gathered = new Set();
  if (paths.some(isRuleFile)) tell({ kind: "rules" });
  else tell(paths.length > mostChanges ? { kind: "changed" } : { kind: "changed", paths });
}

watch(root || "/", {
  followSymlinks: false,
  ignoreInitial: true,
  ignorePermissionErrors: true,
  ignored: (absolute, stats) => {
    const path = toRelative(absolute);
    if (path === "" || isRuleFile(path)) return false;
    return rules.hides(stats?.isDirectory() ? `${path}/` : path);
  },
})
  .on("ready", () => tell({ kind: "ready" }))
  .on("error", (error) => tell({ kind: "fault", message: error instanceof Error ? error.message : String(error) }))
  .on("all", (event, path) => {
    // The files of a new folder are told one by one, those of a vanished one with it.
    if (event === "addDir") return;
    if (gathered.size <= mostChanges) gathered.add(toRelative(path));
    if (!waiting) setTimeout(tellGathered, gatherMs);
    waiting = true;
  });
