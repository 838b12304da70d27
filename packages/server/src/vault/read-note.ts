import { titleOf } from "../search/title.ts";
import { lookAhead } from "./ahead.ts";
import { scanBlocks } from "./blocks.ts";
import { aliasesOf, type Frontmatter, readFrontmatter, tagsOf, timeOf } from "./frontmatter.ts";
import type { Found } from "./inline.ts";
import { toLink } from "./link.ts";
import { bounds, type Heading, type Note, type NoteLink } from "./note.ts";

/**
 * Reads a note in Obsidian's Markdown: its properties, tags, aliases, links, headings and block ids. Never fails: what is no valid syntax is
 * plain text. Time is linear in the text, whatever it says.
 */
export function readNote(whole: string): Note {
  const text = whole.length > bounds.text ? whole.slice(0, bounds.text) : whole;
  const front = readFrontmatter(text);
  const tags = new Set(tagsOf(front.values).slice(0, bounds.tags));
  const found: Found = { tags, links: [...linksIn(front, text)], blocks: [], ahead: lookAhead(text) };
  const headings: Heading[] = [];
  scanBlocks(text, front.body, found, headings);
  const titleIn = (from: number): string => titleOf(text.slice(from, from + 20_000), "markdown", "");
  const title = titleIn(text.startsWith("\uFEFF") ? 1 : 0) || titleIn(front.body);
  const time = timeOf(front.values);
  return {
    ...(title !== "" && { title }),
    tags: [...tags],
    aliases: aliasesOf(front.values),
    links: found.links,
    frontmatter: front.values,
    ...(front.problem !== undefined && { problem: front.problem }),
    headings,
    blocks: found.blocks,
    ...(time !== undefined && { time }),
  };
}

/** The properties that are a wikilink, as a whole or item by item. */
function* linksIn({ values, start, end }: Frontmatter, text: string): Generator<NoteLink> {
  const source = text.slice(start, end);
  for (const value of stringsIn(values)) {
    const inside = /^!?\[\[([^[\]\n]+)\]\]$/.exec(value.trim())?.[1];
    if (inside === undefined) continue;
    const at = Math.max(0, source.indexOf(`[[${inside}]]`));
    const link = toLink(inside, {
      embed: false,
      start: start + at,
      end: Math.min(end, start + at + inside.length + 4),
    });
    if (link) yield link;
  }
}

function* stringsIn(value: unknown): Generator<string> {
  if (typeof value === "string") yield value;
  else if (typeof value === "object" && value !== null) for (const each of Object.values(value)) yield* stringsIn(each);
}
