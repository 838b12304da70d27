import type { Budget } from "./budget.ts";
import type { Finding } from "./mask.ts";
import type { CompiledPatterns } from "./patterns.ts";

/** Ten thousand matches in one message are as many as there may be. */
const matchCost = 4_000;
const slice = 16_384;
/** How far a match may reach over a slice's end and still be whole; a longer one is looked for in the whole text. */
const overlap = 4_096;

/** Every match of the owner's patterns. Throws when the budget is used up. */
export function findPatterns(text: string, sets: readonly CompiledPatterns[], budget: Budget): Finding[] {
  const findings: Finding[] = [];
  for (const { patterns } of sets) {
    for (const { matcher, gate, weight } of patterns) {
      budget.spend(text.length >> 2);
      if (gate && !gate.test(text)) continue;
      budget.spend(text.length);
      // The automaton only says whether there is a match; finding where is thirty times dearer, so it is done in the slices that have one.
      if (!matcher.test(text)) continue;
      const before = findings.length;
      for (let from = 0; from < text.length; from += slice - overlap) {
        const part = text.length <= slice ? text : text.slice(from, from + slice);
        if (part === text || matcher.test(part)) find({ part, from, matcher, weight, budget, findings });
        if (from + slice >= text.length) break;
      }
      if (findings.length === before) find({ part: text, from: 0, matcher, weight, budget, findings });
    }
  }
  return findings;
}

interface Part {
  readonly part: string;
  readonly from: number;
  readonly matcher: CompiledPatterns["patterns"][number]["matcher"];
  readonly weight: number;
  readonly budget: Budget;
  readonly findings: Finding[];
}

function find({ part, from, matcher, weight, budget, findings }: Part): void {
  const found = matcher.matcher(part);
  let read = 0;
  for (;;) {
    budget.spend(matchCost);
    if (!found.find()) break;
    const start = found.start();
    const end = found.end();
    budget.spend((end - read) * weight);
    read = end;
    if (end > start) findings.push({ start: from + start, end: from + end, kind: "owner-pattern" });
  }
  budget.spend((part.length - read) * weight);
}
