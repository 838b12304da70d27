import { parentPort, workerData } from "node:worker_threads";
import { createFolderTree } from "./folder-tree.ts";
import type { Told } from "./follow.ts";
import { createRules, readRulesOf, ruleFiles } from "./ignore-rules.ts";
import { watchTree } from "./watch-tree.ts";

/** How long changes are gathered before they are told. */
const gatherMs = 50;
/** More changes at once than this are told as "any": the system drops what it cannot keep (16,384 on Linux), and says nothing of it. */
const mostChanges = 10_000;

const { root } = workerData as { readonly root: string };
const rules = createRules(readRulesOf(createFolderTree(root)));
const tell = (told: Told): void => parentPort?.postMessage(told);
const isRuleFile = (path: string): boolean => ruleFiles.includes(path.slice(path.lastIndexOf("/") + 1));

let gathered = new Set<string>();
let heard = 0;
let waiting = false;

function tellGathered(): void {
  waiting = false;
  const paths = [...gathered];
  const any = heard > mostChanges || gathered.has("");
  gathered = new Set();
  heard = 0;
  if (paths.some(isRuleFile)) tell({ kind: "rules" });
  else tell(any ? { kind: "changed" } : { kind: "changed", paths });
}

try {
  watchTree(root, {
    hides: (path) => !isRuleFile(path) && rules.hides(path),
    changed(path) {
      heard++;
      if (gathered.size <= mostChanges) gathered.add(path);
      if (!waiting) setTimeout(tellGathered, gatherMs);
      waiting = true;
    },
    fault: (message) => tell({ kind: "fault", message }),
  });
} catch (error) {
  tell({ kind: "fault", message: error instanceof Error ? error.message : String(error) });
}
tell({ kind: "ready" });
// A folder without watchers would let the thread end.
parentPort?.on("message", () => {});
