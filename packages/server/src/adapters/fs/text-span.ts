import { isUtf8 } from "node:buffer";

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

/** The span moved to borders of characters, and its text. Offsets count within `bytes`. */
interface TextSpan {
  readonly start: number;
  readonly end: number;
  readonly content: string;
}

/**
 * Cuts UTF-8 (RFC 3629) without cutting a character: each belongs to the span that holds its first byte. So spans that meet neither lose
 * nor double one, wherever they meet. `bytes` should reach three bytes beyond the span on both sides, where the file does.
 * Undefined when a character of the span, or one that the cut has moved to its neighbour, is not valid UTF-8.
 */
export function toTextSpan(
  bytes: Buffer,
  span: { readonly start: number; readonly end: number },
): TextSpan | undefined {
  const forward = (from: number): number => {
    let at = from;
    while (at < from + 3 && isContinuation(bytes[at])) at++;
    return at;
  };
  const start = Math.min(forward(span.start), bytes.length);
  const end = Math.max(start, Math.min(forward(span.end), bytes.length));
  let lead = span.start;
  if (start > span.start) while (lead > 0 && isContinuation(bytes[lead])) lead--;
  if (!isUtf8(bytes.subarray(lead, end))) return undefined;
  return { start, end, content: bytes.toString("utf8", start, end) };
}
