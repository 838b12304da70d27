import { NotReadable, type ReadDocument } from "../document.ts";
import { joinParts, type Part } from "./derived-text.ts";
import { decodeWords } from "./plain-words.ts";
import { usableTitle } from "./usable-title.ts";

const mostOutput = 2_000;

type Json = Readonly<Record<string, unknown>>;

/** A Jupyter notebook (nbformat 3 and 4): a section per cell, code in fences, of outputs the text alone and no more than 2,000 characters of a cell. */
export function readNotebook(bytes: Buffer): readonly ReadDocument[] {
  const notebook = parse(decodeWords(bytes, "a Jupyter notebook"));
  const cells = listOf(notebook.cells ?? listOf(notebook.worksheets).flatMap((sheet) => listOf(fieldsOf(sheet).cells)));
  if (!("cells" in notebook || "worksheets" in notebook)) throw new NotReadable("It is no Jupyter notebook.");
  const { metadata } = notebook;
  const language = languageOf(fieldsOf(metadata));
  const parts = cells.map((cell, index) => ({
    text: writeCell(fieldsOf(cell), language),
    label: `cell ${index + 1}`,
  }));
  const title = usableTitle(fieldsOf(metadata).title) ?? usableTitle(firstHeading(parts));
  return [{ part: "", ...(title !== undefined && { title }), ...joinParts(parts), kind: "markdown" }];
}

function parse(text: string): Json {
  try {
    return fieldsOf(JSON.parse(text.replace(/^\ufeff/, "")));
  } catch {
    throw new NotReadable("It is damaged: it is no JSON.");
  }
}

const fieldsOf = (value: unknown): Json => (typeof value === "object" && value !== null ? (value as Json) : {});
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
/** Notebooks keep text as one string, or as its lines. */
const wordsOf = (value: unknown): string =>
  typeof value === "string"
    ? value
    : listOf(value)
        .filter((line) => typeof line === "string")
        .join("");

function languageOf(metadata: Json): string {
  const named = fieldsOf(metadata.language_info).name ?? fieldsOf(metadata.kernelspec).language;
  return typeof named === "string" && /^[\w+#.-]{1,30}$/.test(named) ? named : "";
}

function writeCell(cell: Json, language: string): string {
  const source = withoutData(wordsOf(cell.source ?? cell.input));
  if (cell.cell_type === "heading") return `${"#".repeat(Math.min(6, Number(cell.level) || 1))} ${source}`;
  if (cell.cell_type !== "code") return source;
  const output = listOf(cell.outputs)
    .map(writeOutput)
    .filter((text) => text !== "")
    .join("\n");
  const shown = output.length > mostOutput ? `${output.slice(0, mostOutput)} …` : output;
  return [source.trim() && fence(source, language), shown && fence(shown, "text")].filter(Boolean).join("\n\n");
}

function writeOutput(output: unknown): string {
  const { output_type, text, data, ename, evalue } = fieldsOf(output);
  if (output_type === "error" || output_type === "pyerr") return `${wordsOf(ename)}: ${wordsOf(evalue)}`;
  const words = wordsOf(text ?? fieldsOf(data)["text/plain"]).slice(0, mostOutput * 4);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of a terminal
  const plain = withoutData(words.replace(/\x1b\[[\d;]*[A-Za-z]/g, "")).trim();
  return /^<[\w.]+(?: object at 0x|[^<>]* size )[^<>]*>$/.test(plain) ? "" : plain;
}

/** Without pictures and other bytes that are spelled out in text. */
const withoutData = (text: string): string =>
  text
    .replace(/data:[\w.+-]{1,60}\/[\w.+-]{1,60};base64,[A-Za-z0-9+/=\s]*/g, "data:")
    .replace(/[A-Za-z0-9+/=]{400,}/g, "…");

function fence(text: string, language: string): string {
  const longest = Math.max(2, ...Array.from(text.matchAll(/`{3,}/g), ([run]) => run.length));
  const mark = "`".repeat(longest + 1);
  return `${mark}${language}\n${text.trimEnd().replace(/^\n+/, "")}\n${mark}`;
}

const firstHeading = (parts: readonly Part[]): string | undefined => {
  for (const { text } of parts) {
    if (text.startsWith("```")) continue;
    const heading = /^#{1,3}[ \t]+(.{1,500})$/m.exec(text.slice(0, 2_000))?.[1];
    if (heading !== undefined) return heading;
  }
  return undefined;
};
