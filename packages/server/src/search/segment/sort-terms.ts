/** How many numbers a key has room for behind its characters. */
const numbers = 2 ** 18;
/** Characters in a key, seven bits each: with the number they make 53 bits, which a double holds exactly. */
const characters = 5;

/**
 * Sorts terms, given by their numbers, as JavaScript compares strings. The beginnings of most terms differ, and numbers are sorted ten times as fast as
 * strings: only terms that begin alike are compared themselves.
 */
export function sortTerms(ids: readonly number[], terms: readonly string[]): readonly number[] {
  const compare = (a: number, b: number): number => ((terms[a] as string) < (terms[b] as string) ? -1 : 1);
  if (terms.length > numbers) return [...ids].sort(compare);
  const keys = Float64Array.from(ids, (id) => toKey(terms[id] as string) * numbers + id).sort();
  const sorted: number[] = [];
  for (let at = 0; at < keys.length; ) {
    const beginning = Math.floor((keys[at] as number) / numbers);
    const from = at;
    while (at < keys.length && Math.floor((keys[at] as number) / numbers) === beginning) at++;
    const alike = Array.from(keys.subarray(from, at), (key) => key % numbers);
    if (alike.length > 1) alike.sort(compare);
    for (const id of alike) sorted.push(id);
  }
  return sorted;
}

/** Never greater for a smaller string; the same for many that begin alike, and for all that do so and go on beyond ASCII. */
function toKey(term: string): number {
  let key = 0;
  let at = 0;
  for (; at < characters && at < term.length; at++) {
    const unit = term.charCodeAt(at);
    key = key * 128 + Math.min(unit, 127);
    if (unit > 126) {
      at++;
      break;
    }
  }
  return key * 128 ** (characters - at);
}
