/** Where something secret stands in a text, in UTF-16 units, and what it is. */
export interface Finding {
  readonly start: number;
  readonly end: number;
  readonly kind: string;
}

/** What stands where a text could not be judged within its budget. */
export const withheld = "withheld";

/** The constant that replaces a secret: it tells the kind, and nothing of the value. */
export const toMask = (kind: string): string => `[redacted:${kind}]`;

const lead = "[redacted:";
const masks = /\[redacted:[a-z0-9-]{1,48}\]/g;

/** Any name as a mask's kind: lower case letters, digits and hyphens. */
export function toKind(name: string): string {
  const kind = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 48);
  return kind === "" ? "secret" : kind;
}

/** The masks that a text holds already, in order. */
export function findMasks(text: string): readonly Finding[] {
  if (!text.includes(lead)) return [];
  return Array.from(text.matchAll(masks), (match) => ({
    start: match.index,
    end: match.index + match[0].length,
    kind: "",
  }));
}

/** A text without the masks in it. */
export const withoutMasks = (text: string): string => (text.includes(lead) ? text.replace(masks, "") : text);

/**
 * Puts masks in place of the findings. What overlaps becomes one mask, of the kind that was found first; masks that stand in the text
 * already are left as they are. Counts what it masks into `masked`.
 */
export function applyMasks(text: string, findings: readonly Finding[], masked: Record<string, number>): string {
  const merged = merge(findings);
  const kept = findMasks(text);
  let out = "";
  let from = 0;
  let passed = 0;
  for (const finding of merged) {
    // Both are in order: masks that end before this finding are past for good.
    while ((kept[passed]?.end ?? Number.POSITIVE_INFINITY) <= finding.start) passed++;
    for (const { start, end, kind } of cut(finding, kept, passed)) {
      out += text.slice(from, start) + toMask(kind);
      from = end;
      masked[kind] = (masked[kind] ?? 0) + 1;
    }
  }
  return from === 0 ? text : out + text.slice(from);
}

function merge(findings: readonly Finding[]): Finding[] {
  const sorted = findings.map((finding, order) => ({ ...finding, order })).sort((a, b) => a.start - b.start);
  const merged: { start: number; end: number; kind: string; order: number }[] = [];
  for (const finding of sorted) {
    const last = merged.at(-1);
    if (!last || finding.start >= last.end) {
      merged.push(finding);
      continue;
    }
    last.end = Math.max(last.end, finding.end);
    if (finding.order < last.order) [last.kind, last.order] = [finding.kind, finding.order];
  }
  return merged;
}

/** What is left of a finding beside the masks in it. */
function cut(finding: Finding, kept: readonly Finding[], first: number): readonly Finding[] {
  const left: Finding[] = [];
  let start = finding.start;
  for (let at = first; at < kept.length; at++) {
    const mask = kept[at];
    if (!mask || mask.start >= finding.end) break;
    if (mask.start > start) left.push({ start, end: mask.start, kind: finding.kind });
    start = mask.end;
  }
  if (start < finding.end) left.push({ start, end: finding.end, kind: finding.kind });
  return left;
}
