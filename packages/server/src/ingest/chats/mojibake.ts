/** `[start, end)` of a text in UTF-16 units, and what it should have said. */
export interface Repair {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** What Windows-1252 shows for the bytes 0x80 to 0x9F; where it shows nothing, the byte itself was kept. */
const windows1252 =
  "\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f" +
  "\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178";
const bytes = new Map([...windows1252].map((char, index) => [char.charCodeAt(0), 0x80 + index]));
const suspicious = new RegExp(`[\\u00c2-\\u00f4][\\u0080-\\u00bf${windows1252}]`);
/** Signs that may well stand behind a letter of any language, so that they prove nothing there. */
const afterWords = new Set(
  [..."\u2026\u201a\u201e\u2018\u2019\u201c\u201d\u2013\u2014\u203a\u2039\u00bb\u00ab"].map((c) => c.charCodeAt(0)),
);
/** A text is mangled no more often than this. */
const mostTimes = 3;

interface Sequence extends Repair {
  /** No text of any language has these characters side by side. */
  readonly sure: boolean;
}

/** Repairs a text whose UTF-8 was read as Windows-1252: `â€™` is `’` again, `Ã©` is `é`. Other text is left as it is. */
export function repairText(text: string): string {
  const repairs = findRepairs(text);
  return repairs.length === 0 ? text : apply(text, repairs);
}

/** What `repairText` puts where, in order. */
export function findRepairs(text: string): readonly Repair[] {
  if (!suspicious.test(text)) return [];
  const repairs: Repair[] = [];
  let start = 0;
  while (start < text.length) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(start, end);
    for (const repair of repairLine(line)) {
      repairs.push({ start: start + repair.start, end: start + repair.end, text: repair.text });
    }
    start = end + 1;
  }
  return repairs;
}

function repairLine(line: string): readonly Repair[] {
  let repairs = repairOnce(line);
  for (let times = 1; times < mostTimes && repairs.length > 0; times++) {
    const again = repairOnce(apply(line, repairs));
    if (again.length === 0) break;
    repairs = compose(repairs, again);
  }
  return repairs;
}

function repairOnce(line: string): readonly Repair[] {
  if (!suspicious.test(line)) return [];
  const sequences = findSequences(line);
  const groups: Sequence[][] = [];
  for (const sequence of sequences) {
    const last = groups.at(-1);
    if (last?.at(-1)?.end === sequence.start) last.push(sequence);
    else groups.push([sequence]);
  }
  const allMangled = isMangledThroughout(line, sequences);
  return groups.filter((group) => group.length > 2 || allMangled || group.some(({ sure }) => sure)).flat();
}

function apply(text: string, repairs: readonly Repair[]): string {
  let repaired = "";
  let at = 0;
  for (const { start, end, text: right } of repairs) {
    repaired += text.slice(at, start) + right;
    at = end;
  }
  return repaired + text.slice(at);
}

/** Repairs of a text, and then of what came of them, as repairs of that text. */
function compose(first: readonly Repair[], again: readonly Repair[]): readonly Repair[] {
  const composed: Repair[] = [];
  let next = 0;
  // By how much a place in the text lies behind the same place in what came of it.
  let behind = 0;
  const pass = (limit: number, kept: Repair[]): void => {
    for (let repair = first[next]; repair && repair.start - behind < limit; repair = first[++next]) {
      behind += repair.end - repair.start - repair.text.length;
      kept.push(repair);
    }
  };
  for (const { start, end, text } of again) {
    pass(start, composed);
    const from = start + behind;
    pass(end, []);
    composed.push({ start: from, end: end + behind, text });
  }
  pass(Number.POSITIVE_INFINITY, composed);
  return composed;
}

/** Whether every character beyond ASCII is part of a mangled one, and there is more than one of them. */
function isMangledThroughout(line: string, sequences: readonly Sequence[]): boolean {
  if (sequences.length < 2 && !sequences.some(({ sure }) => sure)) return false;
  let at = 0;
  for (const { start, end } of sequences) {
    if (/[^\0-\x7f]/.test(line.slice(at, start))) return false;
    at = end;
  }
  return !/[^\0-\x7f]/.test(line.slice(at));
}

function findSequences(line: string): readonly Sequence[] {
  const found: Sequence[] = [];
  for (let at = 0; at < line.length; ) {
    const code = line.charCodeAt(at);
    const sequence = code >= 0xc2 && code <= 0xf4 ? sequenceAt(line, at) : undefined;
    if (sequence) found.push(sequence);
    at = sequence?.end ?? at + 1;
  }
  return found;
}

function sequenceAt(line: string, start: number): Sequence | undefined {
  const lead = line.charCodeAt(start);
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  let point = lead & (0x7f >> length);
  for (let index = 1; index < length; index++) {
    const code = line.charCodeAt(start + index);
    const byte = code >= 0x80 && code <= 0xbf ? code : bytes.get(code);
    if (byte === undefined) return lostQuote(line, start);
    point = (point << 6) | (byte & 0x3f);
  }
  const least = length === 2 ? 0x80 : length === 3 ? 0x800 : 0x10000;
  if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return undefined;
  const end = start + length;
  return { start, end, text: String.fromCodePoint(point), sure: isSure(line, start, point) };
}

/** `â€` alone was a closing quote, whose last byte many programs drop, since Windows-1252 shows nothing for it. */
function lostQuote(line: string, start: number): Sequence | undefined {
  if (!line.startsWith("\u00e2\u20ac", start)) return undefined;
  const end = start + (line[start + 2] === "\ufffd" ? 3 : 2);
  return { start, end, text: "\u201d", sure: true };
}

function isSure(line: string, start: number, point: number): boolean {
  const lead = line.charCodeAt(start);
  if (lead === 0xe2 || lead === 0xef || lead === 0xf0) return true;
  if (lead !== 0xc2 && lead !== 0xc3) return false;
  if (point < 0xa0) return false;
  // `IRMÃ”` may end a quotation; `Ã–sterreich` has no other reading.
  return !afterWords.has(line.charCodeAt(start + 1)) || /[a-zA-Z]/.test(line[start + 2] ?? "");
}
