import type { Attributes } from "./attribute-filter.ts";

/** A passage as the store found it. */
export interface Passage {
  readonly file: string;
  readonly title: string;
  readonly text: string;
  readonly attributes: Attributes;
}

/** A file of the store. */
export interface StoredFile {
  readonly status: string;
  readonly createdAt: number | undefined;
  readonly attributes: Attributes;
}

/** An answer that is not what the API promises. */
export class BadAnswer extends Error {}

const filePattern = /^[A-Za-z0-9_-]{1,128}$/;

/** Whether a text can be a file's id in the API; anything else never gets into a request's path. */
export const isFileId = (text: string): boolean => filePattern.test(text);

const longestPassage = 65_536;
const longestTitle = 300;

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function fields(value: unknown): Fields {
  if (!isFields(value)) throw new BadAnswer("an object is missing");
  return value;
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new BadAnswer("a list is missing");
  return value;
}

/** Reads the answer of a search: the best passage of each file, in the store's order. */
export function readPassages(answer: unknown): readonly Passage[] {
  const passages = new Map<string, Passage>();
  for (const item of list(fields(answer).data)) {
    const { file_id: file, filename, content, attributes } = fields(item);
    if (typeof file !== "string" || !isFileId(file)) throw new BadAnswer("a file's id is missing");
    const text = list(content)
      .map(textOf)
      .find((part) => part.trim() !== "");
    if (text === undefined || passages.has(file)) continue;
    if (text.length > longestPassage) throw new BadAnswer("a passage is too long");
    passages.set(file, { file, title: toTitle(filename, file), text, attributes: toAttributes(attributes) });
  }
  return [...passages.values()];
}

/** Reads a file's whole text: its parts, one under the other. Half of a document cannot be told from the whole, so a part of the list is no answer. */
export function readText(answer: unknown): string {
  const { data, has_more: more } = fields(answer);
  if (more === true) throw new BadAnswer("the text is incomplete");
  return list(data).map(textOf).join("\n");
}

export function readStoredFile(answer: unknown): StoredFile {
  const { status, created_at: createdAt, attributes } = fields(answer);
  if (typeof status !== "string") throw new BadAnswer("the file's status is missing");
  return {
    status,
    createdAt: typeof createdAt === "number" && createdAt > 0 && createdAt < 1e11 ? createdAt : undefined,
    attributes: toAttributes(attributes),
  };
}

/** The name under which a file was uploaded; its id when it has none. */
export const readName = (answer: unknown, file: string): string => toTitle(fields(answer).filename, file);

const toTitle = (filename: unknown, file: string): string => {
  const title = typeof filename === "string" ? filename.replace(/\p{Cc}+/gu, " ").trim() : "";
  return title === "" ? file : title.slice(0, longestTitle).toWellFormed();
};

const toAttributes = (value: unknown): Attributes => (isFields(value) ? value : {});

function textOf(part: unknown): string {
  const { type, text } = fields(part);
  if (type !== undefined && type !== "text") return "";
  if (typeof text !== "string") throw new BadAnswer("a text is missing");
  return text;
}
