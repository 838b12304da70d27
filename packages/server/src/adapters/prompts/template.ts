import { type ListedPrompt, promptNamePattern } from "@portcullis/contracts";
import { readFrontmatter } from "../../vault/frontmatter.ts";

/** A prompt as its file has it: the text between its placeholders, and which argument stands in each. */
export interface Template {
  readonly listed: ListedPrompt;
  /** Texts and arguments in turn, a text first and last. */
  readonly pieces: readonly string[];
}

export type ReadTemplate = { readonly template: Template } | { readonly fault: string };

const mostArguments = 32;
const mostPlaces = 256;
const names = new RegExp(promptNamePattern);
const argumentName = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
const keys = new Set(["name", "title", "description", "arguments"]);
const argumentKeys = new Set(["name", "description", "required"]);

/**
 * Reads a template: frontmatter with `name` (by default the file's), `title`, `description` and `arguments`, then the text with `{{argument}}` in it. What
 * is between double braces and no argument's name is a text like any other. A fault is a sentence for the owner.
 */
export function readTemplate(file: string, text: string): ReadTemplate {
  const { values, problem, body } = readFrontmatter(text);
  if (problem !== undefined) return { fault: problem.replace(/\.?$/, ".") };
  const unknown = Object.keys(values).find((key) => !keys.has(key));
  if (unknown !== undefined)
    return {
      fault: `${JSON.stringify(unknown.slice(0, 40))} is no key of a prompt; there are ${[...keys].join(", ")}.`,
    };
  const name = values.name ?? file.replace(/\.md$/, "");
  if (typeof name !== "string" || !names.test(name))
    return {
      fault:
        "The name has other characters than a-z, 0-9, _ and -, does not begin with a letter, or is longer than 64.",
    };
  const given = readArguments(values.arguments);
  if ("fault" in given) return given;
  const described = readText(values.description, 2_000);
  const titled = readText(values.title, 200);
  if (described === null || titled === null) return { fault: "The title or the description is no text, or too long." };
  const pieces = split(
    text
      .slice(body)
      .replace(/^\s*\n/, "")
      .trimEnd(),
    new Set(given.list.map((one) => one.name)),
  );
  if (pieces.length === 1 && pieces[0] === "") return { fault: "There is no text behind the frontmatter." };
  if (pieces.length > 2 * mostPlaces + 1) return { fault: `Arguments stand in more than ${mostPlaces} places.` };
  const listed = {
    ...{ name, arguments: given.list },
    ...(titled !== undefined && { title: titled }),
    ...(described !== undefined && { description: described }),
  };
  return { template: { listed, pieces } };
}

/** Undefined where nothing is, null where it is no text. */
function readText(value: unknown, longest: number): string | undefined | null {
  if (value === undefined) return undefined;
  return typeof value === "string" && value.length <= longest ? value : null;
}

function readArguments(value: unknown): { readonly list: ListedPrompt["arguments"] } | { readonly fault: string } {
  if (value === undefined || value === null) return { list: [] };
  if (!Array.isArray(value) || value.length > mostArguments)
    return { fault: `The arguments are no list, or more than ${mostArguments}.` };
  const list: ListedPrompt["arguments"] = [];
  for (const one of value) {
    const entry: Record<string, unknown> = typeof one === "string" ? { name: one } : (one ?? {});
    const { name, required = false } = entry;
    const description = readText(entry.description, 1_000);
    const extra = Object.keys(entry).find((key) => !argumentKeys.has(key));
    if (
      typeof name !== "string" ||
      !argumentName.test(name) ||
      typeof required !== "boolean" ||
      description === null ||
      extra !== undefined
    )
      return {
        fault: "An argument has a name of letters, digits, _ and -, and if need be a description and required: true.",
      };
    if (list.some((other) => other.name === name)) return { fault: `There are two arguments named ${name}.` };
    list.push({ name, required, ...(description !== undefined && { description }) });
  }
  return { list };
}

function split(text: string, known: ReadonlySet<string>): readonly string[] {
  const pieces: string[] = [];
  let from = 0;
  for (const found of text.matchAll(/\{\{[ \t]{0,8}([A-Za-z][A-Za-z0-9_-]{0,63})[ \t]{0,8}\}\}/g)) {
    const [whole, name = ""] = found;
    if (!known.has(name)) continue;
    pieces.push(text.slice(from, found.index), name);
    from = found.index + whole.length;
  }
  return [...pieces, text.slice(from)];
}

/** The text with arguments in their places, each once: what an argument holds is never read for placeholders. Undefined when it is longer than `most`. */
export function fill({ pieces }: Template, given: Readonly<Record<string, string>>, most: number): string | undefined {
  const parts = pieces.map((piece, at) =>
    at % 2 === 0 ? piece : Object.hasOwn(given, piece) ? (given[piece] ?? "") : "",
  );
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return length > most ? undefined : parts.join("");
}
