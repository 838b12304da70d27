import { looksRandom } from "./judge.ts";
import { digit, type Page, traitAt } from "./page.ts";
import type { Run } from "./scan.ts";
import { measure, type Shape } from "./token-shape.ts";

/** The random pieces of a run: between its slashes, since paths are no secrets. */
export function findRandom(page: Page, { start, end, near }: Run): readonly { start: number; end: number }[] {
  const { bytes } = page;
  if (end - start > longest || isIntegrity(bytes, start) || bytes[start - 1] === 0x25) return [];
  const found: { start: number; end: number }[] = [];
  const path =
    bytes[start - 1] === 0x3a || bytes[start] === 0x2f || bytes[start - 1] === 0x2e || bytes[start - 1] === 0x40;
  let from = start;
  for (let at = start; at <= end; at++) {
    if (at < end && bytes[at] !== 0x2f) continue;
    if (at - from >= 16) {
      const shape = measure(bytes, from, at);
      if (!isBenign(bytes, from, at) && ((near && !path && isNear(shape)) || (!path && isVeryRandom(shape))))
        found.push({ start: from, end: at });
    }
    from = at + 1;
  }
  return found;
}

/** Longer runs are data. */
const longest = 512;

const isNear = (shape: Shape): boolean => !shape.hex && shape.length >= 20 && shape.digits >= 3 && looksRandom(shape);

/** Random enough to be masked with nothing around it that hints at a secret. */
function isVeryRandom({ length, digits, lowers, uppers, turns, distinct, hex, word }: Shape): boolean {
  if (hex || length < 32 || digits < 3) return false;
  const solid = digits + lowers + uppers;
  const cases = lowers > 0 && uppers > 0;
  return solid >= length * 0.85 && distinct >= (cases ? 18 : 14) && turns >= solid * (cases ? 0.3 : 0.25) && word < 7;
}

/** `sha512-…` (Subresource Integrity). */
const isIntegrity = (bytes: Uint8Array, start: number): boolean =>
  bytes[start] === 0x73 &&
  bytes[start + 1] === 0x68 &&
  bytes[start + 2] === 0x61 &&
  (traitAt(bytes, start + 3) & digit) !== 0;

/** UUIDs, and names that end in a hash (`library-98eb410c…`). */
function isBenign(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start === 36 && bytes[start + 8] === 0x2d && bytes[start + 13] === 0x2d && bytes[start + 18] === 0x2d)
    return true;
  let from = end;
  while (from > start && bytes[from - 1] !== 0x2d) from--;
  return from > start && end - from >= 20 && measure(bytes, from, end).hex;
}
