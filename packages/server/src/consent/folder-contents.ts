import { opendir } from "node:fs/promises";
import { join } from "node:path";

export interface FolderContents {
  readonly files: number;
  /** Names that sound like secrets, the first few. */
  readonly secrets: readonly string[];
  /** False when there is more than was looked at. */
  readonly whole: boolean;
}

/** How much of a folder is looked at, and for how long (ms). */
const mostEntries = 5_000;
const patience = 300;
const mostSecrets = 5;

/** What lies in a folder, as far as a short look tells; links are not followed. Never rejects: what cannot be read is not whole. */
export async function lookInto(folder: string, sounds: (path: string) => boolean): Promise<FolderContents> {
  const end = performance.now() + patience;
  const waiting = [folder];
  const secrets: string[] = [];
  let [files, seen, whole] = [0, 0, true];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    try {
      for await (const entry of await opendir(next)) {
        if (++seen > mostEntries || performance.now() > end) return { files, secrets, whole: false };
        const path = join(next, entry.name);
        if (entry.isDirectory()) waiting.push(path);
        if (!entry.isFile()) continue;
        files++;
        if (secrets.length < mostSecrets && sounds(path)) secrets.push(path);
      }
    } catch {
      whole = false;
    }
  }
  return { files, secrets, whole };
}
