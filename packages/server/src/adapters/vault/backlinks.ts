import { CallError } from "@portcullis/contracts";
import { readNote } from "../../vault/read-note.ts";
import { unhurried } from "../../vault/steps.ts";
import type { Use } from "../adapter.ts";
import { type Quote, quote } from "./byte-span.ts";
import { contextOf } from "./context.ts";
import { idOf, type Place, titleOf } from "./find-file.ts";
import { readText } from "./read-text.ts";
import type { ReadFile } from "./vault-adapter.ts";

export interface Backlink {
  readonly id: string;
  readonly title: string;
  /** Empty when the note has changed since it was indexed, or is too large to be read. */
  readonly lines: readonly Quote[];
}

export interface Backlinks {
  /** How many notes link to the file. */
  readonly total: number;
  /** The first of them, by path. */
  readonly shown: readonly Backlink[];
}

const mostLines = 3;

/** The notes that link to a file, among those that the caller may see, with the lines in which they do. */
export async function gatherBacklinks(
  { sight, file }: Place,
  most: number,
  by: Pick<Use, "permit" | "signal"> & { readonly read: ReadFile; readonly pace: () => Promise<void> | undefined },
): Promise<Backlinks> {
  const sources = await unhurried(sight.view.backlinksOf(file), by);
  let total = sources.length;
  const shown: Backlink[] = [];
  for (const source of sources) {
    if (shown.length >= most) break;
    by.signal.throwIfAborted();
    const lines = await linesOf({ sight, file: source }, file.id, by);
    if (lines === "hidden") total--;
    else shown.push({ id: idOf(sight, source), title: titleOf(source), lines });
    await by.pace();
  }
  return { total, shown };
}

async function linesOf(
  source: Place,
  target: number,
  by: Parameters<typeof gatherBacklinks>[2],
): Promise<readonly Quote[] | "hidden"> {
  let opened: Awaited<ReturnType<typeof readText>>;
  try {
    opened = await readText(by.read, source, by);
  } catch (error) {
    if (error instanceof CallError && error.code === "TOO_LARGE") return [];
    throw error;
  }
  if (opened === "hidden") return opened;
  const lines = new Map<number, Quote>();
  for (const link of readNote(opened.text).links) {
    if (lines.size >= mostLines) break;
    const to = await unhurried(source.sight.view.resolve(link.target, source.file), by);
    const span = to?.id === target ? contextOf(opened, link) : undefined;
    if (span && !lines.has(span.start)) lines.set(span.start, quote(opened, span));
  }
  return [...lines.values()];
}
