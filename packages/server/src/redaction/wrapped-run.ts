import { type Page, tokenish, traitAt } from "./page.ts";
import type { Run } from "./scan.ts";

export interface WrappedRun {
  /** The run with what follows it in the next lines, and nothing between. */
  readonly page: Page;
  readonly end: number;
}

const most = 65_536;

/** A run that goes to its line's end and on in lines that hold nothing else, as wrapped base64 and tokens do. */
export function unwrap({ bytes, length }: Page, { start, end }: Run): WrappedRun | undefined {
  const pieces: Uint8Array[] = [];
  let total = end - start;
  let from = end;
  for (;;) {
    const next = afterBreak(bytes, from, length);
    if (next === undefined) break;
    let stop = next;
    while (stop < length && (traitAt(bytes, stop) & tokenish) !== 0) stop++;
    let close = stop;
    while (bytes[close] === 0x3d && close < length) close++;
    if (stop - next < 4 || (close < length && !endsLine(bytes, close)) || total > most) break;
    pieces.push(bytes.subarray(next, stop));
    total += stop - next;
    from = stop;
  }
  if (pieces.length === 0) return undefined;
  const joined = new Uint8Array(total);
  joined.set(bytes.subarray(start, end));
  let at = end - start;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  while (from < length && bytes[from] === 0x3d) from++;
  return { page: { bytes: joined, length: total }, end: from };
}

const isBreak = (byte: number | undefined): boolean => byte === 0x0a || byte === 0x0d;

/** A line's end, also one that is written out or that a quote closes. */
const endsLine = (bytes: Uint8Array, at: number): boolean =>
  isBreak(bytes[at]) ||
  bytes[at] === 0x22 ||
  bytes[at] === 0x27 ||
  (bytes[at] === 0x5c && (bytes[at + 1] === 0x6e || bytes[at + 1] === 0x72));

/** Past a line break (with a soft hyphen before, an indent after, or written out as `\n`), where the next line begins with a token. */
function afterBreak(bytes: Uint8Array, from: number, length: number): number | undefined {
  let at = from;
  if (bytes[at] === 0x3d) at++;
  let breaks = 0;
  while (at < length && at - from < 64) {
    if (isBreak(bytes[at])) breaks++;
    else if (bytes[at] === 0x5c && (bytes[at + 1] === 0x6e || bytes[at + 1] === 0x72)) {
      breaks++;
      at++;
    } else if (breaks === 0 || (bytes[at] !== 0x20 && bytes[at] !== 0x09)) break;
    at++;
  }
  return breaks > 0 && at < length ? at : undefined;
}
