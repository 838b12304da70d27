/** What a text holds that its plain reading would miss. */
export const inFlags = { escape: 2, percent: 4, entity: 8, tag: 16, unseen: 32, at: 64 } as const;

/** The shortest run of token characters that is looked at. */
export const minToken = 15;
const minWrapped = 6;

const kinds = new Uint8Array(128);
for (const c of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.~") kinds[c.charCodeAt(0)] = 1;

/** Whether a character takes no place on a screen, so that it can cut a secret without being seen. */
export const isUnseen = (code: number): boolean =>
  code === 0xad ||
  code === 0x34f ||
  code === 0x61c ||
  code === 0x115f ||
  code === 0x1160 ||
  code === 0x17b4 ||
  code === 0x17b5 ||
  (code >= 0x180b && code <= 0x180f) ||
  (code >= 0x200b && code <= 0x200f) ||
  (code >= 0x202a && code <= 0x202e) ||
  (code >= 0x2060 && code <= 0x206f) ||
  code === 0x3164 ||
  code === 0xfeff ||
  (code >= 0xfe00 && code <= 0xfe0f) ||
  code === 0xffa0 ||
  (code >= 0xfff9 && code <= 0xfffb) ||
  code === 0xdb40 ||
  (code >= 0x80 && code <= 0x9f) ||
  (code >= 0xff01 && code <= 0xff5e);

const unseen = new Uint8Array(65_536);
for (let code = 0; code < unseen.length; code++)
  unseen[code] = isUnseen(code) || code === 0 || code === 8 || code === 27 ? 1 : 0;

function holdsUnseen(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (unseen[text.charCodeAt(at)] === 1) return true;
  return false;
}

/** Whether a sign is what it seems: a backslash before an escape, a percent before two digits, a tag right after a word. */
function matters(text: string, at: number, kind: number): boolean {
  const next = text.charCodeAt(at + 1);
  if (kind === inFlags.percent) return isHexDigit(next) && isHexDigit(text.charCodeAt(at + 2));
  if (kind === inFlags.entity)
    return next === 35 || ((next | 32) >= 97 && (next | 32) <= 122 && /^&[a-zA-Z]{2,6};/.test(text.slice(at, at + 8)));
  if (kind === inFlags.tag)
    return (
      isWord(text.charCodeAt(at - 1)) &&
      (next === 47 || ((next | 32) >= 97 && (next | 32) <= 122)) &&
      isWord(text.charCodeAt(tagEnd(text, at)))
    );
  if (kind === inFlags.escape)
    return (
      next === 117 ||
      next === 120 ||
      next === 85 ||
      next === 47 ||
      next === 34 ||
      next === 92 ||
      next === 110 ||
      next === 114 ||
      next === 116 ||
      next === 39
    );
  return true;
}

const isHexDigit = (code: number): boolean => (code >= 48 && code <= 57) || ((code | 32) >= 97 && (code | 32) <= 102);

/** Receives the runs. `wrapped` says that the run stops at a line's end and goes on in the next line. */
export type OnToken = (start: number, end: number, wrapped: boolean) => void;

/**
 * Tells each run of at least `minToken` token characters (and shorter ones that a line break cuts), and returns the flags
 * of what else the text holds. Clean text pays for this, so most characters are never read: a run that long cannot hide
 * between two probes.
 */
export function scanTokens(text: string, onToken: OnToken): number {
  const { length } = text;
  let start = 0;
  while (start + minToken <= length) {
    let at = start + minToken - 1;
    while (at >= start && isWord(text.charCodeAt(at))) at--;
    if (at >= start) {
      start = at + 1;
      continue;
    }
    let end = start + minToken;
    while (end < length && isWord(text.charCodeAt(end))) end++;
    onToken(start, end, end < length && isLineEnd(text.charCodeAt(end)));
    start = end + 1;
  }
  tellWrapped(text, onToken);
  let flags = holdsUnseen(text) ? inFlags.unseen : 0;
  for (const [sign, flag] of signs) if (has(text, sign, flag)) flags |= flag;
  return flags;
}

const signs: readonly (readonly [string, number])[] = [
  ["\\", inFlags.escape],
  ["%", inFlags.percent],
  ["&", inFlags.entity],
  ["<", inFlags.tag],
  ["@", inFlags.at],
];

function has(text: string, sign: string, flag: number): boolean {
  for (let at = text.indexOf(sign); at !== -1; at = text.indexOf(sign, at + 1))
    if (matters(text, at, flag)) return true;
  return false;
}

const isWord = (code: number): boolean => code < 128 && kinds[code] === 1;
const isLineEnd = (code: number): boolean => code === 10 || code === 13;

/** Runs too short to be told otherwise, that end a line and go on in the next. */
function tellWrapped(text: string, onToken: OnToken): void {
  for (let line = text.indexOf("\n"); line !== -1; line = text.indexOf("\n", line + 1)) {
    const end = text.charCodeAt(line - 1) === 13 ? line - 1 : line;
    let start = end;
    while (start > 0 && end - start < minToken && isWord(text.charCodeAt(start - 1))) start--;
    if (end - start >= minWrapped && end - start < minToken) onToken(start, end, true);
  }
}

/** Where a short tag ends; the text's end when it is none. */
function tagEnd(text: string, at: number): number {
  const most = Math.min(text.length, at + 100);
  for (let index = at; index < most; index++) if (text.charCodeAt(index) === 62) return index + 1;
  return text.length;
}
