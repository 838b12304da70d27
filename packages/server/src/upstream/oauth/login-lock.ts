import { closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";

const busy = 5;
const againMs = 25;

/**
 * Works on a login while nobody else does, in this process or another. The lock is the operating system's and ends with the process, however that ends.
 * Rejects when it is not free within `waitMs`.
 */
export async function withLoginLock<T>(file: string, work: () => Promise<T>, waitMs = 30_000): Promise<T> {
  const path = `${file}.lock`;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    if (!existsSync(path)) closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const lock = new DatabaseSync(path, { timeout: 0 });
  const end = performance.now() + waitMs;
  try {
    while (!take(lock)) {
      if (performance.now() > end) throw new Error("Another process works on this login; try again.");
      await pause(againMs);
    }
    return await work();
  } finally {
    lock.close();
  }
}

function take(lock: DatabaseSync): boolean {
  try {
    lock.exec("BEGIN EXCLUSIVE");
    return true;
  } catch (error) {
    if (((error as { errcode?: number }).errcode ?? 0) % 256 !== busy) throw error;
    return false;
  }
}
