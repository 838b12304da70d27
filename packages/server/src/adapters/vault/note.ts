import { CallError, type Citation, toUri } from "@portcullis/contracts";
import type { Static } from "typebox";
import { locate } from "../../search/document-id.ts";
import { createPace } from "../../search/pace.ts";
import type { NoteLink } from "../../vault/note.ts";
import { readNote } from "../../vault/read-note.ts";
import { findSection } from "../../vault/section.ts";
import type { Steps } from "../../vault/steps.ts";
import { unhurried } from "../../vault/steps.ts";
import type { Tool, Use } from "../adapter.ts";
import { gatherBacklinks } from "./backlinks.ts";
import { quote } from "./byte-span.ts";
import { findFile, idOf, type Place, titleOf, unknownNote } from "./find-file.ts";
import { NoteInput, NoteOutput } from "./note-schemas.ts";
import { readText } from "./read-text.ts";
import { toResource, touchedBy } from "./touches.ts";
import type { VaultTools } from "./vault-adapter.ts";

type Input = Static<typeof NoteInput>;
type Output = Static<typeof NoteOutput>;
type Link = Output["links"][number];

const most = { links: 500, headings: 500, backlinks: 20 } as const;

/** `vault.note`: one note, or a section of it, with what it links to and what links to it. */
export function createNoteTool(world: VaultTools): Tool<Input, Output> {
  const { folders, labels } = world;
  return {
    name: "vault.note",
    title: "Read a note",
    summary: "Gives a note of a Markdown vault with its properties, tags, links and backlinks; or one section of it.",
    safety: "Reads only; knows only the notes that policy lets you read.",
    batch: "one search finds the passages that matter",
    effect: "read",
    itemwise: true,
    labels,
    input: NoteInput,
    output: NoteOutput,
    touches: touchedBy(world),
    run: (input, use) => giveNote(world, input, use),
    filter(output, allows) {
      const shows = (id: string): boolean => allows(toResource(folders, id));
      if (!shows(output.id)) throw unknownNote(output.id);
      const backlinks = output.backlinks.filter(({ id }) => shows(id));
      return {
        ...output,
        links: output.links.map((link) => (link.id === undefined || shows(link.id) ? link : withoutTarget(link))),
        backlinks,
        backlinkCount: output.backlinkCount - (output.backlinks.length - backlinks.length),
      };
    },
    citations: ({ id, start, end, sha256, backlinks }) => [
      cite(folders, id, { start, end, sha256 }),
      ...backlinks.flatMap((backlink) => backlink.lines.map((line) => cite(folders, backlink.id, line))),
    ],
  };
}

const withoutTarget = ({ link, embed }: Link): Link => ({ link, ...(embed && { embed }) });

function cite(
  folders: VaultTools["folders"],
  id: string,
  { start, end, sha256 }: Pick<Citation, "start" | "end" | "sha256">,
): Citation {
  const { source, path } = locate(folders, id);
  return { id, uri: toUri({ kind: "path", path: `${source}/${path}` }), start, end, sha256, stale: false };
}

async function giveNote(
  { look, read, permalink }: VaultTools,
  { note: name, section, backlinks: mostBacklinks = most.backlinks }: Input,
  { permit, signal }: Use,
): Promise<Output> {
  const pace = createPace();
  const place = await unhurried(findFile(await look(permit), name, "note"), { pace, signal });
  const opened = await readText(read, place, { permit, signal });
  if (opened === "hidden") throw unknownNote(name);
  const { text, mtimeMs } = opened;
  const note = readNote(text);
  const span =
    section === undefined
      ? { start: text.startsWith("\uFEFF") ? 1 : 0, end: text.length }
      : findSection(text, note, section);
  if (!span) throw unknownSection(section ?? "", note.headings);
  const within = ({ start }: NoteLink): boolean => start >= span.start && start < span.end;
  const { sight, file } = place;
  const id = idOf(sight, file);
  const core = {
    id,
    title: titleOf(file),
    url: permalink(id),
    ...(section !== undefined && { section }),
    ...quote(opened, span),
    modified: new Date(mtimeMs).toISOString(),
    frontmatter: note.frontmatter,
    ...(note.problem !== undefined && { problem: note.problem }),
    tags: [...note.tags],
    aliases: [...note.aliases],
    headings: note.headings.slice(0, most.headings).map(({ level, text: heading }) => ({ level, text: heading })),
  };
  const room = createRoom(permit.maxBytes, core);
  const links = await unhurried(linksOf(place, note.links.filter(within)), { pace, signal });
  const shownLinks = links.slice(0, most.links).filter((link) => room(link));
  const found = await gatherBacklinks(place, mostBacklinks, { permit, signal, read, pace });
  const backlinks = found.shown
    .filter((backlink) => room(backlink))
    .map((each) => ({ ...each, lines: [...each.lines] }));
  return {
    ...core,
    links: shownLinks,
    backlinks,
    backlinkCount: found.total,
    truncated: shownLinks.length < links.length || note.headings.length > most.headings,
  };
}

/** What the links lead to, each once. One that leads to nothing, as far as the caller can see, is given as it is written. */
function* linksOf({ sight, file }: Place, links: readonly NoteLink[]): Steps<readonly Link[]> {
  const found = new Map<string, Link>();
  for (const { target, written, embed } of links) {
    yield;
    const key = `${embed} ${target} ${written}`;
    if (found.has(key)) continue;
    const to = yield* sight.view.resolve(target, file);
    found.set(key, {
      link: written,
      ...(to && { id: idOf(sight, to), title: titleOf(to) }),
      ...(embed && { embed }),
    });
  }
  return [...found.values()];
}

/** Tells for one item after another whether it still fits into an answer that holds `core`; refuses a core that does not fit itself. */
function createRoom(maxBytes: number, core: object): (item: unknown) => boolean {
  const bytes = Buffer.byteLength(JSON.stringify(core)) + 200;
  if (bytes > maxBytes) {
    throw new CallError("TOO_LARGE", `The note takes ${bytes} bytes; an answer may have ${maxBytes}.`, {
      details: { bytes, maxBytes, next: "Ask for one section of it, by its heading." },
    });
  }
  let left = maxBytes - bytes;
  return (item) => {
    left -= Buffer.byteLength(JSON.stringify(item)) + 1;
    return left >= 0;
  };
}

const unknownSection = (section: string, headings: readonly { readonly text: string }[]): CallError =>
  new CallError("NOT_FOUND", `The note has no section ${JSON.stringify(section.slice(0, 200))}.`, {
    details: {
      section: section.slice(0, 200),
      sections: headings.slice(0, 50).map(({ text }) => text),
      next: "Use one of the headings, `A#B` for B inside of A, or `^id` for a block.",
    },
  });
