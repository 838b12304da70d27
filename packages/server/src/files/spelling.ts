import { lstat, opendir } from "node:fs/promises";
import { refuseAmbiguous } from "./refusals.ts";

const ascii = /^\p{ASCII}*$/u;
const manyEntries = 20_000;

/**
 * The path on disk of a canonical (NFC) path, whose names may be written in another normal form there. `start` is a folder spelled as on
 * disk; `rest` follows it, "" or beginning with a slash. Where nothing fits, the answer is the path as given.
 *
 * Throws `PERMISSION_DENIED` when two files have names that a policy cannot tell apart.
 */
export async function toDiskPath(start: string, rest: string): Promise<string> {
  const given = `${start}${rest}`;
  if (ascii.test(rest)) return given;
  const decomposed = `${start}${rest.normalize("NFD")}`;
  if (decomposed === given) return given;
  const [composedStat, decomposedStat] = await Promise.all([quietStat(given), quietStat(decomposed)]);
  if (composedStat && decomposedStat) {
    if (composedStat.ino !== decomposedStat.ino || composedStat.dev !== decomposedStat.dev)
      throw refuseAmbiguous(given);
    return given;
  }
  if (composedStat) return given;
  return decomposedStat ? decomposed : walk(start, rest);
}

/** Looks each name up among those of its folder: for paths that mix normal forms. */
async function walk(start: string, rest: string): Promise<string> {
  let at = start;
  for (const name of rest.split("/").slice(1)) {
    const found = ascii.test(name) || (await quietStat(`${at}/${name}`)) ? [name] : await namesLike(at, name);
    if (found.length > 1) throw refuseAmbiguous(`${start}${rest}`);
    at = `${at}/${found[0] ?? name}`;
  }
  return at;
}

export async function namesLike(folder: string, name: string): Promise<readonly string[]> {
  const found: string[] = [];
  try {
    let seen = 0;
    for await (const entry of await opendir(folder)) {
      if (++seen > manyEntries) break;
      if (entry.name.normalize("NFC") === name) found.push(entry.name);
    }
  } catch {
    return [];
  }
  return found;
}

/**
 * Whether each name below `folder` is spelled as its directory lists it: where case does not count, `SECRET` would open what a rule
 * calls `secret`.
 */
export async function isSpelledAsListed(folder: string, path: string): Promise<boolean> {
  let at = folder;
  for (const name of path.slice(folder.length).split("/").filter(Boolean)) {
    const [listed, another] = await namesLike(at, name.normalize("NFC"));
    if (listed === undefined || another !== undefined) return false;
    at = `${at}/${listed}`;
  }
  return true;
}

const quietStat = (path: string) => lstat(path).catch(() => undefined);
