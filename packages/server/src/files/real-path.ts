import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/** The real path of what is there, and of what will be there once its folder's links are followed. */
export function realPathOf(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync(absolute);
  } catch {
    return dirname(absolute) === absolute ? absolute : join(realPathOf(dirname(absolute)), basename(absolute));
  }
}
