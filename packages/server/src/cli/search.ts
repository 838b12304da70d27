import type { Citation, Outcome } from "@portcullis/contracts";
import { fromDocumentId, locate } from "../search/document-id.ts";
import { type Language, languageOf } from "../search/text/language.ts";
import type { IndexedDocument } from "../stores/store.ts";
import { passageAt } from "./check-citation.ts";
import { formatReference } from "./citation-reference.ts";
import { type Command, text, type Values } from "./command.ts";
import { CommandError, exits } from "./exit.ts";
import { createHighlighter, excerpt, type Highlighter } from "./highlight.ts";
import { type OpenServer, openServer } from "./open-server.ts";
import { print } from "./output.ts";
import { embolden, inert, type Look, lookOf, type TextRange, wrap } from "./terminal-text.ts";

/** What a hit shows, of a document or of one of its passages. */
interface Shown {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly label: string;
  readonly citation: (Omit<Citation, "stale"> & { readonly stale?: boolean }) | undefined;
  readonly derived: boolean;
  readonly url?: string;
  readonly language: Language;
}

/** Lines of one passage that are shown on a terminal. */
const mostLines = 8;

export const search: Command = {
  usage: "QUERY [--passages] [--source NAME] [--path GLOB] [--tag TAG]",
  summary: "Search what a server of this data folder has indexed, through the same corridor as any client",
  options: {
    passages: { type: "boolean", help: "show the best passages, of one document possibly several" },
    source: { type: "string", help: "search one served folder, by its name" },
    path: { type: "string", help: "search below a path of a folder, or what a glob such as journal/**/*.md matches" },
    tag: { type: "string", help: "search documents with a tag" },
    limit: { type: "string", help: "how many to show (default 10)" },
    subject: { type: "string", help: "whom policy judges the search as (default owner)" },
  },
  async run(invocation) {
    const { values, positionals, output, env } = invocation;
    const query = toQueryText(positionals.join(" ").trim(), values);
    const limit = text(values, "limit") ?? "10";
    if (!/^\d{1,3}$/.test(limit) || Number(limit) === 0)
      throw new CommandError(exits.usage, "--limit takes a number from 1.", "portcullis search QUERY --limit 20");
    const name = values.passages === true ? "index.query" : "search";
    const count = name === "search" ? { limit: Number(limit) } : { topK: Number(limit) };
    const server = await openServer({ ...invocation, positionals: [] });
    try {
      const outcome = await server.corridor.handleCall({
        door: "cli",
        credential: { kind: "local", subject: text(values, "subject") ?? "owner" },
        name,
        args: { query, ...count },
        trace: { purpose: "search on the command line" },
      });
      if (!outcome.ok) {
        print(output, outcome, inert(`${outcome.code}: ${outcome.message}`));
        return exits.no;
      }
      const hits = toShown(server, outcome);
      if (output.json) output.out(JSON.stringify(withCitations(outcome)));
      else {
        const highlight = createHighlighter(query, new Set(hits.map(({ language }) => language)));
        const look = lookOf(process.stdout, env);
        output.out(hits.length === 0 ? "Nothing found." : hits.map((hit) => toText(hit, highlight, look)).join("\n\n"));
      }
      for (const note of outcome.why ?? []) output.err(inert(note));
      return hits.length === 0 ? exits.no : exits.ok;
    } finally {
      await server.stop(0);
    }
  },
};

/** The query with its conditions in its own words, which `search` and `index.query` read alike. */
function toQueryText(query: string, values: Values): string {
  const conditions = (["source", "path", "tag"] as const).flatMap((on) => {
    const value = text(values, on);
    if (value === undefined) return [];
    if (value.trim() === "" || value.includes('"'))
      throw new CommandError(exits.usage, `--${on} takes text without quotes.`, `portcullis search QUERY --${on} …`);
    return [`${on}:"${value}"`];
  });
  if (query === "" && conditions.length === 0)
    throw new CommandError(exits.usage, "search needs a query.", 'portcullis search "deploy checklist"');
  return [query, ...conditions].join(" ").trim();
}

type Success = Extract<Outcome, { ok: true }>;

/** The answer as the tool gave it; beside the documents, which have no room for them, the citations of their passages. */
const withCitations = ({ result, citations = [] }: Success): unknown =>
  "results" in (result as object) ? { ...(result as object), citations } : result;

function toShown(server: OpenServer, { result, citations = [] }: Success): readonly Shown[] {
  const { results, chunks } = result as {
    readonly results?: readonly {
      readonly id: string;
      readonly title: string;
      readonly text: string;
      readonly url: string;
    }[];
    readonly chunks?: readonly (Citation & { title: string; text: string; label: string; derived: boolean })[];
  };
  if (chunks) {
    return chunks.map((chunk) => ({
      ...chunk,
      citation: chunk,
      language: documentOf(server, chunk.id)?.language || languageOf(chunk.text),
    }));
  }
  const byId = new Map(citations.map((citation) => [citation.id, citation]));
  return (results ?? []).map((hit) => {
    const document = documentOf(server, hit.id);
    const citation = byId.get(hit.id);
    return {
      ...hit,
      citation,
      label: labelOf(server, document, citation),
      derived: document?.derived ?? false,
      language: document?.language || languageOf(hit.text),
    };
  });
}

function documentOf({ folders, index }: OpenServer, id: string): IndexedDocument | undefined {
  const known = fromDocumentId(id);
  if (!known || !folders.some(({ name }) => name === known.folder)) return undefined;
  const place = locate(folders, id);
  return index.document(place, place.part);
}

/** What the index calls the place of a passage that has been given out: the answer of `search` has no room for it. */
function labelOf({ index, parts }: OpenServer, document?: IndexedDocument, citation?: Citation): string {
  if (!document || !citation) return "";
  return parts.redactor.scrubText(passageAt(index, document, citation)?.label ?? "").value;
}

function toText(hit: Shown, highlight: Highlighter, look: Look): string {
  const { id, title, label, citation, derived, url } = hit;
  const passage = inert(hit.text).replace(/^\s*\n|\s+$/g, "");
  const matches = highlight(passage, hit.language);
  const lines = wrap(passage, look.columns === undefined ? undefined : look.columns - 2);
  const most = look.columns === undefined ? lines.length : mostLines;
  const { from, until } = excerpt(lines, matches, most);
  const shown = lines
    .slice(from, until)
    .map((line) => `  ${look.bold ? embolden(passage, line, matches) : slice(passage, line)}`.trimEnd());
  const heading = inert(`${title}  [${id}]`);
  return [
    look.bold ? embolden(heading, { start: 0, end: heading.length }, highlight(heading, hit.language)) : heading,
    ...(label === "" || label === title
      ? []
      : wrap(inert(label), look.columns && look.columns - 2).map((line) => `  ${slice(inert(label), line)}`)),
    ...(from > 0 ? ["  …"] : []),
    ...shown,
    ...(until < lines.length ? ["  …"] : []),
    ...(citation
      ? [inert(`  ${formatReference({ ...citation, form: derived ? "text" : "bytes", ...partOf(id) })}`)]
      : []),
    ...(citation?.stale ? ["  The file has changed since it was indexed."] : []),
    ...(url === undefined ? [] : [inert(`  ${url}`)]),
  ].join("\n");
}

const slice = (text: string, { start, end }: TextRange): string => text.slice(start, end);

function partOf(id: string): { readonly part?: string } {
  const part = fromDocumentId(id)?.part;
  return part ? { part } : {};
}
