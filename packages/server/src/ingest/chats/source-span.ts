import { findRepairs } from "./mojibake.ts";

/**
 * Where a derived text agrees with the bytes of its file: the byte `at` of the text is the byte `source` of the file. Between two such places
 * the bytes are the same when they are equally many, else they stand for each other as a whole.
 */
export interface Origin {
  readonly at: number;
  readonly source: number;
}

export interface ByteSpan {
  readonly start: number;
  readonly end: number;
}

/** The span of the file that a span of the derived text came from; a repaired character that it cuts is taken whole. */
export function toSourceSpan(origin: readonly Origin[], span: ByteSpan): ByteSpan {
  const start = toSource(origin, span.start, false);
  return { start, end: span.end <= span.start ? start : toSource(origin, span.end, true) };
}

function toSource(origin: readonly Origin[], at: number, isEnd: boolean): number {
  let low = 0;
  let high = origin.length;
  // An end belongs to what lies before it.
  while (low < high) {
    const middle = (low + high) >> 1;
    const place = origin[middle]?.at ?? 0;
    if (isEnd ? place < at : place <= at) low = middle + 1;
    else high = middle;
  }
  const from = origin[low - 1] ?? { at: 0, source: 0 };
  const to = origin[low];
  if (to === undefined || to.at - from.at === to.source - from.source) return from.source + (at - from.at);
  return isEnd ? to.source : from.source;
}

export interface Repaired {
  readonly text: Buffer;
  readonly origin: readonly Origin[];
}

/** The bytes of a file with its mangled characters repaired; undefined when nothing in it needs that. Bytes that are no UTF-8 stay as they are. */
export function repairBytes(bytes: Buffer): Repaired | undefined {
  const pieces: Buffer[] = [];
  const origin: Origin[] = [{ at: 0, source: 0 }];
  let at = 0;
  let copied = 0;
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline + 1;
    const line = bytes.toString("utf8", start, end);
    const repairs = findRepairs(line);
    // Only where the line is UTF-8 do its characters tell where its bytes are.
    if (repairs.length > 0 && Buffer.from(line).equals(bytes.subarray(start, end))) {
      let char = 0;
      let source = start;
      for (const repair of repairs) {
        source += Buffer.byteLength(line.slice(char, repair.start));
        pieces.push(bytes.subarray(copied, source));
        at += source - copied;
        origin.push({ at, source });
        const right = Buffer.from(repair.text);
        pieces.push(right);
        at += right.length;
        source += Buffer.byteLength(line.slice(repair.start, repair.end));
        origin.push({ at, source });
        copied = source;
        char = repair.end;
      }
    }
    start = end;
  }
  if (origin.length === 1) return undefined;
  pieces.push(bytes.subarray(copied));
  return { text: Buffer.concat(pieces), origin };
}
