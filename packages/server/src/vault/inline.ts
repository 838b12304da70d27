import { type Ahead, codeSpans } from "./ahead.ts";
import { readMarkdownLink, readWikilink } from "./link.ts";
import { type Block, bounds, type NoteLink } from "./note.ts";
import { endOfTag, toTag } from "./tag.ts";

/** What has been found so far in one note. */
export interface Found {
  readonly tags: Set<string>;
  readonly links: NoteLink[];
  readonly blocks: Block[];
  /** Where what closes comments and elements stands. */
  readonly ahead: Ahead;
}

const unit = { newline: 10, bang: 33, hash: 35, percent: 37, less: 60, open: 91, backslash: 92, close: 93 } as const;
const marks = { caret: 94, backtick: 96 } as const;

const special = new Uint8Array(128);
for (const each of [unit.hash, unit.percent, unit.less, unit.open, unit.backslash, unit.close]) special[each] = 1;
for (const each of Object.values(marks)) special[each] = 1;

const blockId = /\^([A-Za-z0-9-]{1,100})[ \t]*\r?(?=\n|$)/y;

/**
 * Finds links, tags and block ids in a stretch of running text. Code, comments and the insides of links hold none. Answers where it has
 * stopped: at `end`, or behind a comment that reaches beyond it. Linear in what it passes.
 */
export function scanInline(text: string, { start, end }: { start: number; end: number }, found: Found): number {
  const { ahead } = found;
  const opened: number[] = [];
  let spans: ReturnType<typeof codeSpans> | undefined;
  let at = start;
  while (at < end) {
    const code = text.charCodeAt(at);
    if (code > 127 || special[code] === 0) {
      at++;
      continue;
    }
    if (code === unit.backslash) at += 2;
    else if (code === unit.hash) at = readTag(text, at, found);
    else if (code === unit.open) {
      const doubled = text.charCodeAt(at + 1) === unit.open && text.charCodeAt(at + 2) !== unit.open;
      const link = doubled ? readWikilink(text, at, end) : undefined;
      if (link) {
        add(found, link);
        at = link.end;
      } else opened.push(at++);
    } else if (code === unit.close) {
      const from = opened.pop();
      const link = from === undefined ? undefined : readMarkdownLink(text, { start: from, close: at, end });
      if (link?.link) add(found, link.link);
      at = link?.end ?? at + 1;
    } else if (code === marks.backtick) {
      spans ??= codeSpans(text, at, end);
      at = spans(at);
    } else if (code === marks.caret) at = readBlock(text, at, found);
    else if (code === unit.percent && text.charCodeAt(at + 1) === unit.percent) {
      at = skipComment(text, at, { mark: "%%", closing: "%%", ahead });
      if (at > end) return at;
    } else if (text.startsWith("<!--", at)) {
      at = skipComment(text, at, { mark: "<!--", closing: "-->", ahead });
      if (at > end) return at;
    } else if (code === unit.less) at = skipElement(text, { at, end, ahead });
    else at++;
  }
  return Math.max(at, end);
}

function add({ links }: Found, link: NoteLink): void {
  if (links.length < bounds.links) links.push(link);
}

const isSpaceBefore = (text: string, at: number): boolean => at === 0 || /[\s\uFEFF]/.test(text.charAt(at - 1));

function readTag(text: string, at: number, { tags }: Found): number {
  if (!isSpaceBefore(text, at)) return at + 1;
  const end = endOfTag(text, at + 1);
  const tag = end > at + 1 ? toTag(text.slice(at + 1, end)) : undefined;
  if (tag !== undefined && tags.size < bounds.tags) tags.add(tag);
  return end;
}

function readBlock(text: string, at: number, { blocks }: Found): number {
  if (!isSpaceBefore(text, at)) return at + 1;
  blockId.lastIndex = at;
  const id = blockId.exec(text)?.[1];
  if (id !== undefined && blocks.length < bounds.blocks) blocks.push({ id, start: at });
  return at + 1 + (id?.length ?? 0);
}

interface Comment {
  readonly mark: string;
  readonly closing: string;
  readonly ahead: Ahead;
}

/** A comment without an end is one when it begins its line, and reaches to the end of the note. */
function skipComment(text: string, at: number, { mark, closing, ahead }: Comment): number {
  const closed = ahead(closing, at + mark.length);
  if (closed >= 0) return closed + closing.length;
  const begins = /(?:^|\n)[ \t]*$/.test(text.slice(Math.max(0, at - 20), at));
  return begins ? text.length : at + mark.length;
}

/** An HTML element with quoted attributes: `#` in these is no tag. */
function skipElement(
  text: string,
  { at, end, ahead }: { readonly at: number; readonly end: number; readonly ahead: Ahead },
): number {
  if (!/[a-z]/i.test(text.charAt(at + 1))) return at + 1;
  const quoted = Math.min(...['="', "='"].map((mark) => ahead(mark, at)).filter((place) => place >= 0));
  const closed = ahead(">", at);
  return closed >= 0 && closed < end && quoted < closed ? closed + 1 : at + 1;
}
