import { fold, stemOf } from "./link-name.ts";
import type { VaultFile } from "./vault-index.ts";

interface Place {
  readonly file: VaultFile;
  /** Its folded path. */
  readonly path: string;
}

/** The files that one target may mean, apart from where the link stands. */
export interface Candidates {
  /** The one whose path is the target. */
  readonly exact?: VaultFile;
  /** Whether they are meant by their names; else by title or alias. */
  readonly byName: boolean;
  readonly files: readonly VaultFile[];
  /** The one that a link in this folder means. */
  nearest(folder: string): VaultFile | undefined;
}

/**
 * Orders the files that a target may mean as Obsidian does: the exact path comes first, then what lies in the link's own folder or below,
 * then the rest; the shorter path before the longer. What is still equal is put in order by path, so that the answer hangs on nothing else.
 */
export function toCandidates(files: readonly VaultFile[], target: string, byName: boolean): Candidates {
  const wanted = stemOf(target);
  const fits = (stem: string): boolean => stem === wanted || stem.endsWith(`/${wanted}`);
  const places: Place[] = files
    .filter(({ path }) => !byName || fits(stemOf(path)) || fits(fold(path)))
    .map((file) => ({ file, path: fold(file.path) }))
    .sort((a, b) => compare(a.path, b.path) || compare(a.file.path, b.file.path));
  const exactly = byName ? places.filter(({ path }) => path === fold(target) || stemOf(path) === wanted) : [];
  const exact = (exactly.find(({ file }) => file.path === target || file.path === `${target}.md`) ?? shortest(exactly))
    ?.file;
  const anywhere = shortest(places)?.file;
  return {
    ...(exact && { exact }),
    byName,
    files: places.map(({ file }) => file),
    nearest(folder) {
      if (exact) return exact;
      if (folder === "" || places.length < 2) return anywhere;
      const within = `${fold(folder)}/`;
      let at = lowerBound(places, within);
      const inside: Place[] = [];
      for (; places[at]?.path.startsWith(within); at++) inside.push(places[at] as Place);
      return shortest(inside)?.file ?? anywhere;
    },
  };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function shortest(places: readonly Place[]): Place | undefined {
  let best = places[0];
  for (const place of places) if (best && place.path.length < best.path.length) best = place;
  return best;
}

function lowerBound(places: readonly Place[], path: string): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[middle]?.path ?? "") < path) low = middle + 1;
    else high = middle;
  }
  return low;
}
