/** A stretch of a text to mask: from `start` up to `end`, in UTF-16 units. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly kind: string;
}

/** The kind of what was not looked at to its end, and so not sent. */
export const withheld = "withheld";

/** The kind of a secret that the server itself holds. */
export const known = "known-secret";

/** What stands in a secret's place: its kind and nothing of its value, so neither length nor hash. */
export const toMask = (kind: string): string => `[redacted:${kind}]`;

const onlyMasks = /^(?:\[redacted:[a-z][a-z0-9-]{1,28}\][ \t]{0,4}){1,64}$/;
const masks = /\[redacted:[a-z][a-z0-9-]{1,28}\]/g;

/** Whether a text is nothing but masks already. */
export const isMask = (text: string): boolean => text.charCodeAt(0) === 91 && onlyMasks.test(text);

/** Drops what lies wholly inside a mask that stands in the text already, so that scrubbing twice changes nothing. */
export function outsideMasks(text: string, spans: readonly Span[]): readonly Span[] {
  if (spans.length === 0 || !text.includes("[redacted:")) return spans;
  const standing = [...text.matchAll(masks)].map(({ 0: mask, index }) => ({ start: index, end: index + mask.length }));
  return spans.filter(({ start, end }) => !standing.some((mask) => mask.start <= start && end <= mask.end));
}

/** Sorts spans and joins those that overlap; the one that begins first (then the longest) gives the kind, unless one of them is known. */
export function mergeSpans(spans: readonly Span[]): Span[] {
  const sorted = [...spans].sort((a, b) => a.start - b.start || b.end - a.end);
  const merged: Span[] = [];
  for (const span of sorted) {
    const last = merged.at(-1);
    if (last && span.start < last.end) {
      const kind = span.kind === known ? known : last.kind;
      if (span.end > last.end || kind !== last.kind)
        merged[merged.length - 1] = { ...last, kind, end: Math.max(last.end, span.end) };
    } else merged.push(span);
  }
  return merged;
}

/** The text with each of the merged spans replaced by its mask. */
export function applyMasks(text: string, merged: readonly Span[]): string {
  let out = "";
  let at = 0;
  for (const { start, end, kind } of merged) {
    out += text.slice(at, start) + toMask(kind);
    at = end;
  }
  return out + text.slice(at);
}
