import { isAlias, parseDocument, visit } from "yaml";
import { bounds } from "./note.ts";
import { toTag } from "./tag.ts";

export interface Frontmatter {
  readonly values: Readonly<Record<string, unknown>>;
  readonly problem?: string;
  /** Where its lines begin and end, and where the note's body begins. */
  readonly start: number;
  readonly end: number;
  readonly body: number;
}

const closing = /^(?:---|\.\.\.)[ \t]*\r?$/gm;

/** Reads the YAML between two lines of `---` at the very beginning (a byte order mark may come first). */
export function readFrontmatter(text: string): Frontmatter {
  const first = text.startsWith("\uFEFF") ? 1 : 0;
  const opened = /^---[ \t]*\r?\n/.exec(text.slice(first, first + 100));
  const none = { values: {}, start: first, end: first, body: first };
  if (!opened) return none;
  const start = first + opened[0].length;
  closing.lastIndex = start;
  const closed = closing.exec(text);
  if (!closed) return none;
  const newline = text.indexOf("\n", closed.index);
  const place = { start, end: closed.index, body: newline < 0 ? text.length : newline + 1 };
  return { ...parse(text.slice(start, closed.index)), ...place };
}

function parse(source: string): Pick<Frontmatter, "values" | "problem"> {
  if (source.length > bounds.frontmatter) {
    return { values: {}, problem: `The frontmatter has more than ${bounds.frontmatter} characters.` };
  }
  if (isDeep(source)) return { values: {}, problem: "The frontmatter is nested too deeply." };
  try {
    // Keys are not compared with each other: that costs the square of their number.
    const document = parseDocument(source, {
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: "silent",
      schema: "core",
    });
    const [error] = document.errors;
    if (error) return { values: {}, problem: `The frontmatter is not valid YAML: ${error.message}` };
    let aliased = false;
    visit(document, {
      Node(_, node) {
        if (!isAlias(node)) return undefined;
        aliased = true;
        return visit.BREAK;
      },
    });
    // A few anchors that repeat each other could become gigabytes.
    if (aliased) return { values: {}, problem: "The frontmatter repeats parts of itself by YAML anchors." };
    const value: unknown = document.toJS();
    if (value === null) return { values: {} };
    if (typeof value !== "object" || Array.isArray(value))
      return { values: {}, problem: "The frontmatter has no keys." };
    return { values: JSON.parse(JSON.stringify(value)) as Record<string, unknown> };
  } catch (error) {
    if (error instanceof Error) return { values: {}, problem: "The frontmatter cannot be read." };
    throw error;
  }
}

const deepest = 32;

/** Whether brackets or indentation may nest beyond what recursion should meet. */
function isDeep(source: string): boolean {
  let depth = 0;
  for (const [mark] of source.matchAll(/[[\]{}]/g)) {
    depth += mark === "[" || mark === "{" ? 1 : -1;
    if (depth > deepest) return true;
  }
  return /^(?: {200}|(?:[ \t]*[-?:][ \t]+){32})/m.test(source);
}

/** The value under a key, whatever its case. */
const valuesOf = (values: Frontmatter["values"], ...keys: readonly string[]): readonly unknown[] =>
  Object.entries(values).flatMap(([key, value]) => (keys.includes(key.toLowerCase()) ? [value].flat() : []));

/** The tags of a frontmatter: a list, or one text with commas or spaces between them. */
export const tagsOf = (values: Frontmatter["values"]): readonly string[] =>
  valuesOf(values, "tags", "tag")
    .flatMap((value) => (typeof value === "string" ? value.slice(0, 20_000).split(/[\s,]+/) : []))
    .flatMap((written) => toTag(written.replace(/^#+/, "")) ?? []);

/** The aliases of a frontmatter: a list, or one text with commas between them. */
export function aliasesOf(values: Frontmatter["values"]): readonly string[] {
  const found = Object.entries(values).flatMap(([key, value]) => {
    if (!/^alias(?:es)?$/i.test(key)) return [];
    return Array.isArray(value) ? value : String(value ?? "").split(",");
  });
  const aliases = found
    .flatMap((alias) => (typeof alias === "string" || typeof alias === "number" ? [String(alias).trim()] : []))
    .filter((alias) => alias !== "" && alias.length <= bounds.nameLength);
  return [...new Set(aliases)].slice(0, bounds.aliases);
}

const timeKeys = ["updated", "modified", "lastmod", "date modified", "update_time", "date", "created", "date created"];
const iso = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s*(Z|[+-]\d\d:?\d\d)?)?$/;

/** When the note was last changed as it says itself; a time without a zone is taken as UTC. */
export function timeOf(values: Frontmatter["values"]): number | undefined {
  for (const key of timeKeys) {
    for (const value of valuesOf(values, key)) {
      const found = typeof value === "string" ? iso.exec(value.trim()) : undefined;
      if (!found) continue;
      const [, date, clock = "00:00", zone = "Z"] = found;
      const time = Date.parse(`${date}T${clock}${zone.replace(/^([+-]\d\d)(\d\d)$/, "$1:$2")}`);
      if (!Number.isNaN(time)) return time;
    }
  }
  return undefined;
}
