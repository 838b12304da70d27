import type { ReadDocument, Section } from "../document.ts";
import type { Frame } from "./frames.ts";

/** What a reader says of a file: what it holds, or why it cannot be read; and how much memory its process holds now, in bytes. */
export type Answer =
  | { readonly documents: readonly ReadDocument[]; readonly rss: number }
  | { readonly refused: string; readonly rss: number };

/** By which a reader's process says why it ended itself without an answer. */
export const exitCodes = { memory: 70, crash: 71 } as const;

/** An answer as it crosses the pipe: texts lie in the frame's body, each at its place. */
export function packAnswer(documents: readonly ReadDocument[]): { readonly head: object; readonly body: Buffer[] } {
  const body: Buffer[] = [];
  let start = 0;
  const heads = documents.map(({ text, ...rest }) => {
    if (!text) return rest;
    const range = [start, start + text.length];
    body.push(text);
    start += text.length;
    return { ...rest, text: range };
  });
  return { head: { documents: heads }, body };
}

/** Undefined for what is no answer: a reader that a file has taken over may say anything. */
export function unpackAnswer({ head, body }: Frame): Answer | undefined {
  if (!isRecord(head) || typeof head.rss !== "number") return undefined;
  if (typeof head.refused === "string") return { refused: head.refused.slice(0, 500), rss: head.rss };
  if (!Array.isArray(head.documents) || head.documents.length === 0) return undefined;
  const documents: ReadDocument[] = [];
  for (const written of head.documents) {
    const document = toDocument(written, body);
    if (!document) return undefined;
    documents.push(document);
  }
  return { documents, rss: head.rss };
}

type Fields = Readonly<Record<string, unknown>>;
const isRecord = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isOptional = (value: unknown, type: "string" | "number"): boolean =>
  value === undefined || (typeof value === type && (type === "string" || Number.isFinite(value)));
const isStrings = (value: unknown): boolean =>
  value === undefined || (Array.isArray(value) && value.every((word) => typeof word === "string"));

function toDocument(written: unknown, body: Buffer): ReadDocument | undefined {
  if (!isRecord(written)) return undefined;
  const { part, title, text, kind, sections, time, tags, aliases, links } = written;
  const bytes = text === undefined ? undefined : toText(text, body);
  if (text !== undefined && !bytes) return undefined;
  const isKind = kind === "markdown" || kind === "code" || kind === "text";
  if (typeof part !== "string" || !isKind || !isOptional(title, "string") || !isOptional(time, "number"))
    return undefined;
  if (![tags, aliases, links].every(isStrings) || !isSections(sections, bytes?.length)) return undefined;
  return { ...(written as unknown as ReadDocument), ...(bytes && { text: bytes }) };
}

function toText(range: unknown, body: Buffer): Buffer | undefined {
  const [start, end] = Array.isArray(range) ? (range as readonly unknown[]) : [];
  const fits =
    Number.isInteger(start) &&
    Number.isInteger(end) &&
    0 <= Number(start) &&
    Number(start) <= Number(end) &&
    Number(end) <= body.length;
  return fits ? body.subarray(Number(start), Number(end)) : undefined;
}

function isSections(sections: unknown, length = Number.POSITIVE_INFINITY): sections is readonly Section[] {
  if (!Array.isArray(sections)) return false;
  let before = 0;
  return sections.every((section: unknown) => {
    if (!isRecord(section)) return false;
    const { start, label, id, time } = section;
    const isInOrder = Number.isInteger(start) && Number(start) >= before && Number(start) <= length;
    before = Number(start);
    return isInOrder && typeof label === "string" && isOptional(id, "string") && isOptional(time, "number");
  });
}
