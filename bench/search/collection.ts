import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";

export interface Document {
  readonly id: string;
  /** Where its file lies in the served folder. */
  readonly path: string;
  readonly title: string;
  readonly text: string;
}

export interface Query {
  readonly id: string;
  readonly text: string;
}

/** Documents and queries, with how relevant which is to which. */
export interface Collection {
  readonly name: string;
  readonly documents: readonly Document[];
  readonly queries: readonly Query[];
  /** By query, the relevant documents with their grade. */
  readonly relevant: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

const files = ["docs.jsonl.gz", "queries.jsonl.gz", "qrels.tsv"] as const;

/** The names of the collections in a folder. */
export const listCollections = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => files.every((file) => existsSync(join(folder, name, file))))
    .sort();

export function readCollection(folder: string): Collection {
  const [documents, queries, judgements] = files.map((file) => join(folder, file)) as [string, string, string];
  const relevant = new Map<string, Map<string, number>>();
  for (const line of readFileSync(judgements, "utf8").split("\n")) {
    const [query, document, grade] = line.trimEnd().split("\t");
    if (!query || !document) continue;
    if (!Number.isFinite(Number(grade))) throw new Error(`${judgements}: ${JSON.stringify(line)} has no grade.`);
    const known = relevant.get(query) ?? new Map<string, number>();
    relevant.set(query, known.set(document, Number(grade)));
  }
  return {
    name: basename(folder),
    documents: readLines<Document>(documents),
    queries: readLines<Query>(queries).filter(({ id }) => relevant.has(id)),
    relevant,
  };
}

const readLines = <T>(path: string): readonly T[] =>
  gunzipSync(readFileSync(path))
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);

/**
 * What stands in a document's file: its text. A note whose title is nowhere else (neither in the text nor the file's name) begins with it as a
 * heading, as notes do; `bare` leaves it out.
 */
export function toFile({ path, title, text }: Document, bare: boolean): string {
  const untold = title !== "" && !text.includes(title) && !path.includes(title) && path.endsWith(".md");
  return untold && !bare ? `# ${title}\n\n${text}` : text;
}

export function writeFiles(collection: Collection, folder: string, bare: boolean): void {
  for (const document of collection.documents) {
    const path = join(folder, document.path);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, toFile(document, bare));
  }
}

/** The path inside the served folder that a result's id stands for. */
export function pathOf(id: string): string {
  const mark = id.indexOf("!");
  return (mark < 0 ? id : id.slice(0, mark)).split("/").slice(1).map(decodeURIComponent).join("/");
}
