/**
 * The candidate that a misspelt name was probably meant to be: at most `within` edits away (by default a third of its length, and two at
 * least), letter case aside. A slip of two neighbouring letters is one edit.
 */
export function nearest(name: string, candidates: Iterable<string>, within?: number): string | undefined {
  let best: string | undefined;
  let least = (within ?? Math.max(2, Math.ceil(name.length / 3))) + 1;
  const wrong = name.slice(0, 128).toLowerCase();
  for (const candidate of candidates) {
    const distance = editDistance(wrong, candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** Damerau-Levenshtein, in its form without overlapping transpositions. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, (before[j - 2] ?? 0) + 1);
      next.push(least);
    }
    [before, row] = [row, next];
  }
  return row[b.length] ?? 0;
}
