import { NotReadable, type ReadDocument, type Section } from "../document.ts";
import { readFields } from "./frontmatter-fields.ts";
import { timeOf } from "./moment.ts";
import { createNoteClock } from "./nexus-time.ts";
import { type Origin, repairBytes } from "./source-span.ts";
import { labelOf } from "./transcript.ts";

/** A note as a document. Its sections are places in `text` where that is given, else in the file. */
export interface ReadNote extends ReadDocument {
  /** Where the derived text came from in the file: for `toSourceSpan`. Given exactly when `text` is. */
  readonly origin?: readonly Origin[];
}

const callout = /^>\s?\[!nexus_(user|agent|assistant|system|tool)\][+-]?[ \t]*(.*)$/i;
const heading = /^#{3,5} +(User|ChatGPT|Assistant|Claude|Le Chat|Perplexity|System),? on +(.{6,40}?);?[ \t]*$/i;
const said = /^>?\s*\*\*(.{1,100}?)\*\*(?:\s*[-–—·:]\s*(.*))?$/;
const uid = /^[ \t]*<!--\s*UID:\s*(\S+?)\s*-->[ \t]*$/i;

/** Whether a Markdown text is a conversation that Nexus AI Chat Importer wrote: by its frontmatter, and in older ones by their layout. */
export function isNexusNote(text: string): boolean {
  const fields = readFields(text);
  if (!fields.has("conversation_id") || fields.has("artifact_id")) return false;
  const plugin = fields.get("nexus")?.[0];
  if (plugin !== undefined) return /nexus/i.test(plugin);
  return /^>\s?\[!nexus_(user|agent)\]/m.test(text) || (/^### User, on /m.test(text) && /^<!-- UID:/m.test(text));
}

interface Turn {
  readonly start: number;
  readonly role: string;
  readonly model: string | undefined;
  readonly when: string;
  id?: string;
}

/** Reads a note of Nexus AI Chat Importer, with a section for each message. The path only serves to say which file is unreadable. */
export function readNexusNote(bytes: Buffer, path: string): ReadNote {
  const repaired = repairBytes(bytes);
  const shown = repaired?.text ?? bytes;
  const text = shown.toString("utf8");
  if (!isNexusNote(text)) throw new NotReadable(`${path} is no note of Nexus AI Chat Importer`);
  const fields = readFields(text);
  const provider = providerOf(fields, text);
  const turns = findTurns(shown);
  const created = fields.get("create_time")?.[0];
  const clock = createNoteClock(
    turns.map(({ when }) => when),
    { utc: created, written: /^Created: *(.{6,60}?)(?: Last Updated:.*)?\r?$/m.exec(text)?.[1] ?? created },
  );
  const sections = turns.map(({ start, role, model, when, id }): Section => {
    const time = clock(when);
    return {
      start,
      label: labelOf({ role, model, time, shown: true }),
      ...(id === undefined ? {} : { id: `${provider}:${id}` }),
      ...(time === undefined ? {} : { time }),
    };
  });
  const aliases = fields.get("aliases") ?? fields.get("alias") ?? [];
  const title = /^# (?:Title: *)?(\S.*?)\s*$/m.exec(text)?.[1] ?? aliases[0];
  const updated = fields.get("update_time")?.[0] ?? created;
  const time = updated === undefined ? undefined : (timeOf(updated) ?? clock(updated));
  const tags = (fields.get("tags") ?? []).map((tag) => tag.replace(/^#/, "").toLowerCase());
  return {
    part: "",
    kind: "markdown",
    sections,
    links: linksOf(text),
    ...(repaired === undefined ? {} : { text: repaired.text, origin: repaired.origin }),
    ...(title === undefined ? {} : { title }),
    ...(time === undefined ? {} : { time }),
    ...(tags.length === 0 ? {} : { tags }),
    ...(aliases.length === 0 ? {} : { aliases }),
  };
}

function findTurns(bytes: Buffer): readonly Turn[] {
  const turns: Turn[] = [];
  let open: { start: number; role: string } | undefined;
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline;
    const line = bytes.toString("utf8", start, Math.min(end, start + 400)).replace(/\r$/, "");
    const rest = open === undefined ? undefined : said.exec(line.replace(/^>\s?/, ""));
    if (open !== undefined) {
      // Who speaks may stand in the callout's next line.
      turns.push(toTurn(open.start, open.role, rest?.[1] ?? "", rest?.[2] ?? ""));
      open = undefined;
    }
    const opens = callout.exec(line);
    const older = heading.exec(line);
    const last = turns.at(-1);
    const named = uid.exec(line)?.[1];
    if (opens) {
      const [, role = "", title = ""] = opens;
      const who = said.exec(title.trim());
      if (who || title.trim() !== "") turns.push(toTurn(start, role, who?.[1] ?? title, who?.[2] ?? title));
      else open = { start, role };
    } else if (older)
      turns.push(toTurn(start, /^user$/i.test(older[1] ?? "") ? "user" : "agent", older[1] ?? "", older[2] ?? ""));
    else if (named !== undefined && last !== undefined && last.id === undefined) last.id = named;
    start = end + 1;
  }
  return open === undefined ? turns : [...turns, toTurn(open.start, open.role, "", "")];
}

function toTurn(start: number, kind: string, who: string, when: string): Turn {
  const role = /^(agent|assistant)$/i.test(kind) ? "assistant" : kind.toLowerCase();
  const model = /\(([^()]+)\)\s*$/.exec(who)?.[1] ?? /·\s*(.+)$/.exec(who)?.[1];
  return { start, role, model: role === "assistant" ? model?.trim() : undefined, when };
}

function providerOf(fields: ReadonlyMap<string, readonly string[]>, text: string): string {
  const named = fields.get("provider")?.[0]?.toLowerCase();
  if (named !== undefined && /^[a-z0-9_-]{1,40}$/.test(named)) return named;
  // The first releases read nothing but ChatGPT's export, and did not say so.
  return /^Chat URL: https:\/\/claude\.ai\//m.test(text) ? "claude" : "chatgpt";
}

function linksOf(text: string): readonly string[] {
  const links = new Set<string>();
  for (const [, target = ""] of text.matchAll(/\[\[([^[\]|#\n]{1,500})(?:[|#][^[\]\n]{0,500})?\]\]/g))
    links.add(target.trim());
  for (const [, target = ""] of text.matchAll(/\]\(([^()\s]{1,500})\)/g)) {
    if (!/^([a-z][a-z0-9+.-]*:|#|\/\/)/i.test(target)) links.add(target);
  }
  return [...links];
}
