import { readlinkSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { isMainThread } from "node:worker_threads";

/** Lets everything else on this machine go before the calling worker thread. Only Linux gives threads priorities of their own. */
export function giveWay(): void {
  if (isMainThread || process.platform !== "linux") return;
  try {
    const thread = Number(readlinkSync("/proc/thread-self").split("/").at(-1));
    setPriority(thread, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Without /proc, or where it may not be changed, it goes on as it is.
  }
}
