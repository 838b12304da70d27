import { addAssignments } from "./assignment.ts";
import type { Budget } from "./budget.ts";
import { addInnerSigns, matchParts } from "./dotted-token.ts";
import { decodeToken } from "./encoded-token.ts";
import { GramIndex } from "./gram-index.ts";
import { addKnownSecrets, type KnownSecret } from "./known-secrets.ts";
import type { Finding } from "./mask.ts";
import type { Page } from "./page.ts";
import { findRandom } from "./random-run.ts";
import { type Run, Scan } from "./scan.ts";
import { addStructures } from "./structures.ts";
import { unescapedViews, type View } from "./unescaped-view.ts";
import { addVendorTokens } from "./vendor-rule.ts";
import { unwrap } from "./wrapped-run.ts";

/** How often something decoded may be decoded again. */
const deepest = 4;

export interface DetectOptions {
  readonly budget: Budget;
  /** Whether the text is an identifier or a digest by its field's name: then being random says nothing. */
  readonly calm: boolean;
}

/** Finds secrets in a page; the findings may overlap. Throws when the budget is used up. */
export type Detect = (page: Page, options: DetectOptions) => Finding[];

interface Depth {
  readonly depth: number;
  readonly text: boolean;
  readonly decoded: boolean;
}

/** The built-in detectors, and the known secrets among them. */
export function createDetector(secrets: readonly KnownSecret[]): Detect {
  const index = new GramIndex<Scan>();
  addKnownSecrets(index, secrets);
  // What is known is found in wrapped lines, too, whatever it looks like.
  const known = new GramIndex<Scan>();
  addKnownSecrets(known, secrets);
  addStructures(index);
  addVendorTokens(index);
  addInnerSigns(index);
  addAssignments(index);

  function detect(page: Page, options: DetectOptions, { depth, text, decoded }: Depth): Finding[] {
    const scan = new Scan({ page, budget: options.budget, text, decoded }).run(index);
    const { findings } = scan;
    let done = 0;
    for (const run of scan.runs) if (run.start >= done) done = judgeRun(scan, run, { options, depth });
    const view = secrets.length > 0 && depth < 2 ? withoutBreaks(page) : undefined;
    if (view) {
      const { page: joined, from } = view;
      for (const { start, end, kind } of new Scan({ page: joined, budget: options.budget, text, decoded: true }).run(
        known,
      ).findings)
        findings.push({ start: from[start] ?? 0, end: (from[end - 1] ?? 0) + 1, kind });
    }
    if (depth === deepest) return findings;
    for (const { page: view, from } of unescapedViews(page, scan.hiding)) {
      for (const { start, end, kind } of detect(view, options, { depth: depth + 1, text, decoded }))
        findings.push({ start: from[start] ?? 0, end: from[end] ?? 0, kind });
    }
    return findings;
  }

  /** Judges a run by its parts, by what it decodes to and by how random it is; says how far it has looked. */
  function judgeRun(scan: Scan, run: Run, { options, depth }: { options: DetectOptions; depth: number }): number {
    const { page, text } = scan;
    if (matchParts(scan, run)) return run.end;
    const wrapped = run.start >= scan.wrapEnd ? unwrap(page, run) : undefined;
    if (wrapped) scan.wrapEnd = wrapped.end;
    const whole = wrapped ? wrapped.page : page;
    const from = wrapped ? 0 : run.start;
    const to = wrapped ? wrapped.page.length : run.end;
    const end = wrapped ? wrapped.end : padded(page, run.end);
    scan.spend(to - from);
    let readable = false;
    if (run.start >= (wrapped ? 0 : scan.wrapEnd) && depth < deepest) {
      for (const inner of decodeToken(whole.bytes, from, to)) {
        readable ||= inner.text;
        const [found] = detect(
          inner,
          { ...options, calm: options.calm || !inner.text },
          {
            depth: depth + 1,
            text: inner.text,
            decoded: true,
          },
        );
        if (!found) continue;
        scan.add(run.start, end, found.kind);
        return end;
      }
    }
    if (readable || options.calm || !text) return run.end;
    for (const { start, end: stop } of findRandom(page, run)) scan.add(start, stop, "high-entropy");
    if (wrapped && to <= 512 && findRandom(wrapped.page, { start: 0, end: to, near: run.near }).length > 0)
      scan.add(run.start, end, "high-entropy");
    return run.end;
  }

  return (page, options) => detect(page, options, { depth: 0, text: true, decoded: false });
}

/** A page with nothing between its lines; undefined when it has but one. */
function withoutBreaks({ bytes, length }: Page): View | undefined {
  if (length < 4 || bytes.indexOf(0x0a) < 0 || bytes.indexOf(0x0a) >= length) return undefined;
  const out = new Uint8Array(length);
  const from = new Int32Array(length + 1);
  let count = 0;
  for (let at = 0; at < length; at++) {
    const byte = bytes[at] as number;
    if (byte === 0x0a || byte === 0x0d) {
      // The indent and the mark of a quotation or a difference are of the break.
      while (at + 1 < length && " \t>".includes(String.fromCharCode(bytes[at + 1] as number))) at++;
      continue;
    }
    if (byte === 0x3d && (bytes[at + 1] === 0x0a || bytes[at + 1] === 0x0d)) continue;
    from[count] = at;
    out[count++] = byte;
  }
  from[count] = length;
  return { page: { bytes: out, length: count }, from };
}

/** Past the padding of base64. */
function padded({ bytes, length }: Page, from: number): number {
  let at = from;
  while (at < length && at - from < 2 && bytes[at] === 0x3d) at++;
  return at;
}
