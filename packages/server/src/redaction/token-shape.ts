import { digit, lower, traitAt, upper } from "./page.ts";

export interface Shape {
  readonly length: number;
  readonly digits: number;
  readonly lowers: number;
  readonly uppers: number;
  /** How often digit, lower and upper case follow each other; an upper case letter before a lower one counts as a word's start. */
  readonly turns: number;
  /** How many different characters there are. */
  readonly distinct: number;
  readonly hex: boolean;
  /** The longest run of letters that could be read: with vowels, in one case but for the first letter. */
  readonly word: number;
}

const vowels = new Uint8Array(256);
for (const vowel of "aeiouyAEIOUY") vowels[vowel.charCodeAt(0)] = 1;

/** Counts what tells a random string from a written one. */
export function measure(bytes: Uint8Array, start: number, end: number): Shape {
  let digits = 0;
  let lowers = 0;
  let uppers = 0;
  let turns = 0;
  let hex = true;
  let before = 0;
  let word = 0;
  let run = 0;
  let dry = 0;
  let low = 0;
  let middle = 0;
  let high = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    const trait = traitAt(bytes, at) & (digit | lower | upper);
    if (byte < 64) low |= 1 << (byte & 31);
    else if (byte < 96) middle |= 1 << (byte & 31);
    else high |= 1 << (byte & 31);
    if (trait === digit) digits++;
    else if (trait === lower) lowers++;
    else if (trait === upper) uppers++;
    if (trait !== digit && !((byte >= 0x61 && byte <= 0x66) || (byte >= 0x41 && byte <= 0x46))) hex = false;
    const follows = trait === before || (trait === lower && before === upper);
    if (trait !== 0 && before !== 0 && !follows) turns++;
    if ((trait & (lower | upper)) !== 0) {
      run = follows ? run + 1 : 1;
      dry = vowels[byte] === 1 ? 0 : dry + 1;
      // Four consonants in a row are no word.
      if (dry > 4) run = 0;
      if (run > word) word = run;
    } else {
      run = 0;
      dry = 0;
    }
    if (trait !== 0 || byte === 0x2e) before = trait;
  }
  const distinct = ones(low) + ones(middle) + ones(high);
  return { length: end - start, digits, lowers, uppers, turns, distinct, hex, word };
}

function ones(bits: number): number {
  let count = 0;
  for (let left = bits; left !== 0; left &= left - 1) count++;
  return count;
}
