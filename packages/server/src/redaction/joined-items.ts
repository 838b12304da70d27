import { findSecrets, type Search } from "./find-secrets.ts";
import { applyMasks, mergeSpans, outsideMasks, type Span } from "./spans.ts";

interface Piece {
  readonly index: number;
  readonly text: string;
  /** Where the part of the text that is joined begins in it. */
  readonly from: number;
  readonly to: number;
  /** Where that part begins in the joined view. */
  readonly at: number;
}

/** Longer items are joined by their ends only: a secret that is cut lies there. */
const edge = 2_048;

/**
 * Finds secrets that are cut across neighbouring items of an array (strings, or objects with a `text`), which a reader
 * would join. Returns the items with the parts masked, or undefined when there were none.
 */
export function findAcross(
  items: readonly unknown[],
  search: Search,
  count: (kind: string) => void,
): unknown[] | undefined {
  let masked: unknown[] | undefined;
  for (const { joined, pieces } of runsOf(items)) {
    const spans = mergeSpans(outsideMasks(joined, findSecrets(joined, search))).filter((span) => crosses(span, pieces));
    if (spans.length === 0) continue;
    masked ??= [...items];
    for (const { kind } of spans) count(kind);
    for (const piece of pieces) {
      const own = spans.flatMap((span) => toOwn(span, piece));
      if (own.length > 0) masked[piece.index] = withText(items[piece.index], applyMasks(piece.text, own));
    }
  }
  return masked;
}

/** Each run of neighbouring texts, joined; a long text ends one run and begins the next. */
function* runsOf(items: readonly unknown[]): Generator<{ joined: string; pieces: readonly Piece[] }> {
  let joined = "";
  let pieces: Piece[] = [];
  const put = (index: number, text: string, from: number, to: number) => {
    pieces.push({ index, text, from, to, at: joined.length });
    joined += text.slice(from, to);
  };
  for (const [index, item] of items.entries()) {
    const text = textOf(item);
    if (text === undefined || text.length <= edge * 2) {
      if (text !== undefined) put(index, text, 0, text.length);
      if (text !== undefined) continue;
      if (pieces.length > 1) yield { joined, pieces };
      joined = "";
      pieces = [];
      continue;
    }
    put(index, text, 0, edge);
    if (pieces.length > 1) yield { joined, pieces };
    joined = "";
    pieces = [];
    put(index, text, text.length - edge, text.length);
  }
  if (pieces.length > 1) yield { joined, pieces };
}

function textOf(item: unknown): string | undefined {
  if (typeof item === "string") return item;
  if (typeof item !== "object" || item === null || !("text" in item)) return undefined;
  return typeof item.text === "string" ? item.text : undefined;
}

const withText = (item: unknown, text: string): unknown =>
  typeof item === "object" && item !== null ? { ...item, text } : text;

function crosses({ start, end }: Span, pieces: readonly Piece[]): boolean {
  return pieces.some(({ at }) => start < at && at < end);
}

function toOwn({ start, end, kind }: Span, { at, from, to }: Piece): Span[] {
  const first = Math.max(start, at);
  const last = Math.min(end, at + to - from);
  return first < last ? [{ start: first - at + from, end: last - at + from, kind }] : [];
}
