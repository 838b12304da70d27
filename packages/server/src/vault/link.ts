import { bounds, type NoteLink } from "./note.ts";

const bracketOrBreak = /[[\]\n]/g;

/** `[[Target#Heading|shown]]` whose first bracket stands at `at`; undefined when it is none. */
export function readWikilink(text: string, at: number, end: number): NoteLink | undefined {
  bracketOrBreak.lastIndex = at + 2;
  const stop = bracketOrBreak.exec(text)?.index ?? end;
  if (stop + 1 >= end || !text.startsWith("]]", stop)) return undefined;
  const embed = text.charAt(at - 1) === "!";
  const link = toLink(text.slice(at + 2, stop), { embed, start: embed ? at - 1 : at, end: stop + 2 });
  return link;
}

/** The link that stands between `[[` and `]]`. */
export function toLink(
  inside: string,
  place: { readonly embed: boolean; readonly start: number; readonly end: number },
): NoteLink | undefined {
  if (inside.length > 2 * bounds.nameLength) return undefined;
  const bar = inside.indexOf("|");
  // In a table the bar is escaped.
  const written = (bar < 0 ? inside : inside.slice(0, bar).replace(/\\$/, "")).trim();
  const shown = bar < 0 ? "" : inside.slice(bar + 1).trim();
  if (written === "" || written.length > bounds.nameLength) return undefined;
  return { ...split(written), written, ...(shown !== "" && { shown }), ...place };
}

function split(written: string): Pick<NoteLink, "target" | "heading" | "block"> {
  const hash = written.indexOf("#");
  if (hash < 0) return { target: written };
  const target = written.slice(0, hash).trim();
  const heading = written.slice(hash + 1).trim();
  if (heading === "") return { target };
  const block = /(?:^|#)\^([A-Za-z0-9-]+)$/.exec(heading)?.[1];
  return block === undefined ? { target, heading } : { target, block };
}

interface Brackets {
  readonly start: number;
  /** Where `]` stands. */
  readonly close: number;
  readonly end: number;
}

/**
 * What follows the text of a Markdown link: where the link ends, and the link itself when it is to a file of the vault. Undefined when there
 * is no destination.
 */
export function readMarkdownLink(
  text: string,
  { start, close, end }: Brackets,
): { readonly end: number; readonly link?: NoteLink } | undefined {
  if (text.charAt(close + 1) !== "(") return undefined;
  const destination = readDestination(text, close + 2, end);
  if (!destination) return undefined;
  const { written } = destination;
  const embed = text.charAt(start - 1) === "!";
  const shown = text.slice(start + 1, Math.min(close, start + 1 + bounds.nameLength)).trim();
  const external = /^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(written);
  if (external || written === "" || written.length > 2 * bounds.nameLength) return { end: destination.end };
  const { target, ...fragment } = split(written);
  const path = decode(target);
  const link = {
    target: path === "" || /^\.{0,2}\//.test(path) ? path : `./${path}`,
    written,
    ...("heading" in fragment && fragment.heading !== undefined && { heading: decode(fragment.heading) }),
    ...("block" in fragment && fragment.block !== undefined && { block: fragment.block }),
    ...(shown !== "" && { shown }),
    embed,
    start: embed ? start - 1 : start,
    end: destination.end,
  };
  return { end: destination.end, link };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const deepest = 32;

/** A link's destination and title (CommonMark 6.3) on one line, up to the closing parenthesis. */
function readDestination(
  text: string,
  from: number,
  end: number,
): { readonly written: string; readonly end: number } | undefined {
  let at = from;
  while (at < end && text.charAt(at) === " ") at++;
  const first = at;
  let written: string;
  if (text.charAt(at) === "<") {
    do at++;
    while (at < end && !"<>\n".includes(text.charAt(at)));
    if (at >= end || text.charAt(at) !== ">") return undefined;
    written = text.slice(first + 1, at++);
  } else {
    // The limit on depth also bounds how often a character is passed again.
    for (let depth = 0; at < end; at++) {
      const code = text.charCodeAt(at);
      if (code <= 32) break;
      if (code === 92) at++;
      else if (code === 40 && ++depth > deepest) return undefined;
      else if (code === 41 && depth-- === 0) break;
    }
    written = text.slice(first, Math.min(at, end)).replace(/\\([!-/:-@[-`{-~])/g, "$1");
  }
  const rest = /[ \t]*(?:(["'])(?:(?!\1)[^\n\\]|\\.){0,500}\1[ \t]*)?\)/y;
  rest.lastIndex = at;
  return rest.test(text) && rest.lastIndex <= end ? { written, end: rest.lastIndex } : undefined;
}
