import { toMask, withheld } from "./mask.ts";
import type { Scrubbed } from "./redactor.ts";

export interface ScrubStreamOptions {
  readonly scrub: (text: string) => Scrubbed<string>;
  /** What a piece of the source takes in it, in bytes. */
  readonly measure: (text: string) => number;
  /** Bytes at the beginning that are only looked at, for what comes after them. */
  readonly skip?: number;
  /** Bytes after those, behind which is only looked. A letter belongs to where its first byte lies. */
  readonly take?: number;
}

/** A part of the source, masked. */
export interface ScrubbedPiece {
  readonly text: string;
  /** Bytes `[from, to)` of the source, from its beginning. */
  readonly from: number;
  readonly to: number;
  readonly masked: Readonly<Record<string, number>>;
}

/** Letters that leave at once, at most about; and those behind them that are looked at before. */
const block = 48 * 1024;
const hold = 16 * 1024;
/** A secret that is longer than this is withheld, with what stands around it. */
const most = 256 * 1024;
const tries = 12;

/**
 * Masks secrets in a text that comes in pieces. A piece leaves when what follows has been seen, and is cut where no secret runs across: what is masked in
 * the whole must be what is masked in both sides alone. Where there is no such place, nothing leaves but a mask. Nothing of a secret that lies across the
 * beginning or the end of what is wanted leaves either.
 */
export async function* scrubStream(
  source: AsyncIterable<string>,
  { scrub, measure, skip = 0, take = Number.POSITIVE_INFINITY }: ScrubStreamOptions,
): AsyncGenerator<ScrubbedPiece> {
  let held = "";
  let at = 0;
  let before = skip;
  let end = skip + take;
  const advance = (letters: number): { from: number; to: number } => {
    const from = at;
    at += measure(held.slice(0, letters));
    held = held.slice(letters);
    return { from, to: at };
  };
  /** Drops what is only looked at, up to a place across which no secret runs. */
  const begin = (): void => {
    advance(findCut(held, () => forward(held, lettersOf(held, before, measure)), scrub)?.cut ?? held.length);
    before = 0;
  };
  const emit = (letters: number, found: Scrubbed<string>): ScrubbedPiece => ({
    text: found.value,
    ...advance(letters),
    masked: found.masked,
  });

  /** Whether what comes is the rest of a secret that was withheld. */
  let inside = false;
  for await (const piece of source) {
    held += piece;
    if (inside) {
      const rest = restOfSecret(held);
      inside = rest === held.length;
      yield emit(rest, { value: "", masked: {} });
    }
    while (held.length >= before + block + hold) {
      if (before > 0) begin();
      const wanted = Math.min(held.length - hold, block);
      if (held.length < wanted + hold || wanted <= 0 || at + measure(held.slice(0, wanted)) >= end) break;
      const found = findCut(held, (whole) => backward(held, wanted, whole), scrub);
      if (found) yield emit(found.cut, found.head);
      else if (held.length < most) break;
      else {
        yield emit(held.length - hold, withheldPiece);
        const rest = restOfSecret(held);
        inside = rest === held.length;
        yield emit(rest, { value: "", masked: {} });
      }
    }
    // The source ends by itself soon after what is wanted.
  }
  if (before > 0) begin();
  while (held.length > 0 && at < end) {
    const left = lettersOf(held, end - at, measure);
    const wanted = Math.min(left, block);
    const found =
      wanted === held.length
        ? { cut: wanted, head: scrub(held) }
        : findCut(held, (whole) => backward(held, wanted, whole), scrub);
    if (found) yield emit(found.cut, found.head);
    // What is wanted ends in the middle of a secret: nothing of it is told.
    else if (wanted === left) end = at;
    else yield emit(wanted, withheldPiece);
  }
}

const withheldPiece: Scrubbed<string> = { value: toMask(withheld), masked: { [withheld]: 1 } };

/** Up to the first line that has more than a token in it: a key goes on in lines that hold nothing else. */
const restOfSecret = (text: string): number => {
  const line = /(?:^|\n)[\w+/=-]*[^\w+/=\-\r\n]/.exec(text);
  return line ? line.index + (text[line.index] === "\n" ? 1 : 0) : text.length;
};

/** How many letters begin within so many bytes. */
function lettersOf(text: string, bytes: number, measure: ScrubStreamOptions["measure"]): number {
  let [low, high] = [0, Math.min(text.length, bytes)];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (measure(text.slice(0, middle)) <= bytes) low = middle;
    else high = middle - 1;
  }
  const letters = low < text.length && measure(text.slice(0, low)) < bytes ? low + 1 : low;
  return isLow(text, letters) ? letters + 1 : letters;
}

interface Cut {
  readonly cut: number;
  readonly head: Scrubbed<string>;
}

/** The first of some places across which no secret runs. */
function findCut(
  text: string,
  placesOf: (whole: string) => Iterable<number>,
  scrub: ScrubStreamOptions["scrub"],
): Cut | undefined {
  const whole = scrub(text);
  const clean = whole.value === text;
  for (const cut of placesOf(whole.value)) {
    if (clean) return { cut, head: { value: text.slice(0, cut), masked: {} } };
    const head = scrub(text.slice(0, cut));
    if (head.value + scrub(text.slice(cut)).value === whole.value) return { cut, head };
  }
  return undefined;
}

const isLow = (text: string, at: number): boolean => (text.charCodeAt(at) & 0xfc00) === 0xdc00;

/** A place itself, and line ends and blanks before it, further and further back. */
function* backward(text: string, wanted: number, whole: string): Generator<number> {
  const step = Math.max(1, Math.floor(wanted / tries));
  const exact = isLow(text, wanted) ? wanted - 1 : wanted;
  if (exact <= 0) return;
  const line = text.lastIndexOf("\n", exact - 1) + 1;
  if (line > exact / 2) yield line;
  yield exact;
  for (let from = exact; from > step; from -= step) {
    const border = Math.max(text.lastIndexOf("\n", from - 1), text.lastIndexOf(" ", from - 1)) + 1;
    if (border > 0 && border < exact) yield border;
    if (border > 0) from = Math.min(from, border);
  }
  // Before the first mask, wherever that stands.
  let same = 0;
  while (same < exact && text[same] === whole[same]) same++;
  const before = Math.max(text.lastIndexOf("\n", same - 1), text.lastIndexOf(" ", same - 1)) + 1;
  if (same > 0 && before > 0) yield before;
}

/** A place itself, and line ends and blanks behind it. */
function* forward(text: string, wanted: number): Generator<number> {
  yield isLow(text, wanted) ? wanted + 1 : wanted;
  let from = wanted;
  for (let tried = 0; tried < tries; tried++) {
    const border = /[\s"'`,;]/g;
    border.lastIndex = from;
    const found = border.exec(text);
    if (!found) return;
    yield found.index + 1;
    // Nearby first, then with greater steps: a key may have many lines.
    from = found.index + 1 + 2 ** tried;
  }
}
