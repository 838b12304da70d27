import type { Budget } from "./budget.ts";
import { type GramIndex, slotOf } from "./gram-index.ts";
import type { Finding } from "./mask.ts";
import { digit, lower, type Page, special, tokenish, traits, upper } from "./page.ts";
import { mayHide } from "./unescaped-view.ts";

export interface ScanOptions {
  readonly page: Page;
  readonly budget: Budget;
  /** False for bytes that are no text: only what can't be there by chance counts. */
  readonly text: boolean;
  /** Whether the page was decoded from something: then a token may begin in the middle of a word. */
  readonly decoded: boolean;
}

/** A run of letters, digits and `_ - + /`, long enough to be judged. */
export interface Run {
  readonly start: number;
  readonly end: number;
  /** Whether a word that hints at a secret stands shortly before. */
  readonly near: boolean;
}

const shortest = 16;
const nearby = 40;

/** One pass over one page: literals call their triggers, long runs and places that may hide something are noted. */
export class Scan {
  readonly page: Page;
  readonly text: boolean;
  readonly decoded: boolean;
  readonly findings: Finding[] = [];
  readonly runs: Run[] = [];
  readonly hiding: number[] = [];
  /** Where the last name that was judged ends. */
  nameEnd = 0;
  /** Where the last block or line that was judged as a whole ends. */
  blockEnd = 0;
  /** Where the last wrapped run ends. */
  wrapEnd = 0;
  /** Where the last word that hints at a secret ends. */
  hintEnd = -1_000;
  readonly #budget: Budget;

  constructor({ page, budget, text, decoded }: ScanOptions) {
    this.page = page;
    this.text = text;
    this.decoded = decoded;
    this.#budget = budget;
  }

  add(start: number, end: number, kind: string): void {
    if (end > start) this.findings.push({ start, end, kind });
  }

  spend(units: number): void {
    this.#budget.spend(units);
  }

  run(index: GramIndex<Scan>): this {
    const { bytes, length } = this.page;
    const { table } = index;
    this.spend(length);
    let gram = 0;
    let run = 0;
    // The hot loop: what is common in it has no branches, since those that go either way cost most of its time.
    for (let at = 0; at < length; at++) {
      const trait = traits[bytes[at] as number] as number;
      gram = (gram << 8) | (trait & 0xff);
      if (table[slotOf(gram)] !== 0) index.hit(this, this.page, gram, at);
      const inRun = -(trait & tokenish) >> 31;
      if (run >= shortest && inRun === 0) this.#note(at - run, at);
      if ((trait & special) !== 0 && mayHide(this.page, at)) this.hiding.push(at);
      run = (run + 1) & inRun;
    }
    if (run >= shortest) this.#note(length - run, length);
    return this;
  }

  /** Keeps a run that has a digit, or is long and in both cases; others are names. */
  #note(start: number, end: number): void {
    let seen = 0;
    for (let at = start; at < end; at++) seen |= traits[this.page.bytes[at] as number] as number;
    const cases = lower | upper;
    if ((seen & digit) === 0 && (end - start < 24 || (seen & cases) !== cases)) return;
    this.runs.push({ start, end, near: start - this.hintEnd <= nearby && start >= this.hintEnd });
  }
}
