import { fromDocumentId } from "../search/document-id.ts";

/** What a range counts: the file's own bytes, or those of the text that was made from it. */
export type Form = "bytes" | "text";

/** A span of a document, as somebody has cited it. */
export interface Reference {
  /** The document's id, or its `file:` URI. */
  readonly id?: string;
  readonly uri?: string;
  readonly start: number;
  readonly end: number;
  /** Left out where only the index can tell. */
  readonly form?: Form;
  readonly part?: string;
  /** In hex. */
  readonly sha256?: string;
}

/** Text that is no citation; `message` says why. */
export class NoReference extends Error {}

const fragment = /^(?<form>bytes|text)=(?<start>\d{1,15})-(?<end>\d{1,15})(?<more>(?:&[^&]*)*)$/;
export const isSha256 = (text: string): boolean => /^[0-9a-f]{64}$/i.test(text);

/** Reads `URI#bytes=START-END`, or `#text=`, optionally with `&part=ID` and `&sha256=HEX` behind it. */
export function parseReference(text: string): Reference {
  const mark = text.lastIndexOf("#");
  const found = fragment.exec(text.slice(mark + 1))?.groups;
  if (mark < 1 || !found)
    throw new NoReference(`${quoted(text)} is no citation: it has to end in #bytes=START-END or #text=START-END.`);
  const { form, start, end, more } = found as { form: Form; start: string; end: string; more: string };
  const reference = { ...toTarget(text.slice(0, mark)), form, ...toRange(Number(start), Number(end), text) };
  return { ...reference, ...toMore(more, text) };
}

/** The citation of an answer, or of a passage that `index.query` gave. */
export function toReference(value: unknown): Reference {
  const { id, uri, start, end, sha256, derived, form, part } = (value ?? {}) as Record<string, unknown>;
  const target = typeof uri === "string" ? toTarget(uri) : typeof id === "string" ? toTarget(id) : undefined;
  if (!target || typeof start !== "number" || typeof end !== "number")
    throw new NoReference(`${quoted(JSON.stringify(value) ?? "nothing")} is no citation: it lacks uri, start or end.`);
  const inner = typeof id === "string" ? fromDocumentId(id)?.part : undefined;
  const which = typeof part === "string" ? part : inner;
  const told = form === "bytes" || form === "text" ? form : derived === true ? "text" : undefined;
  if (sha256 !== undefined && (typeof sha256 !== "string" || !isSha256(sha256)))
    throw new NoReference(`${quoted(String(sha256))} is no SHA-256 in hex.`);
  return {
    ...target,
    ...(typeof id === "string" && fromDocumentId(id) && { id }),
    ...toRange(start, end, JSON.stringify(value)),
    ...(told && { form: told }),
    ...(which && { part: which }),
    ...(typeof sha256 === "string" && { sha256: sha256.toLowerCase() }),
  };
}

/** The text that `parseReference` reads. */
export function formatReference({ id, uri, start, end, form = "bytes", part }: Reference): string {
  // An id names its part already.
  const suffix = uri !== undefined && part ? `&part=${encodeURIComponent(part)}` : "";
  return `${uri ?? id}#${form}=${start}-${end}${suffix}`;
}

function toTarget(text: string): Pick<Reference, "id" | "uri"> {
  if (/^file:/i.test(text)) {
    if (!URL.canParse(text) || new URL(text).host !== "") throw new NoReference(`${quoted(text)} is no URI of a file.`);
    return { uri: text };
  }
  if (/^[a-z][a-z0-9+.-]*:/i.test(text))
    throw new NoReference(`${quoted(text)} is not a file: only files are checked.`);
  if (!fromDocumentId(text))
    throw new NoReference(`${quoted(text)} is neither a file: URI nor a document's id as search gives it.`);
  return { id: text };
}

function toRange(start: number, end: number, text: string): Pick<Reference, "start" | "end"> {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start)
    throw new NoReference(`${quoted(text)} is no citation: its range ends before it starts.`);
  return { start, end };
}

function toMore(more: string, text: string): Pick<Reference, "part" | "sha256"> {
  const told: { part?: string; sha256?: string } = {};
  for (const pair of more.split("&").filter(Boolean)) {
    const [name, value = ""] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
    if (name === "part") told.part = decoded(value);
    else if (name === "sha256" && isSha256(value)) told.sha256 = value.toLowerCase();
    else throw new NoReference(`${quoted(text)} is no citation: ${quoted(pair)} is neither part= nor sha256=.`);
  }
  return told;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new NoReference(`${quoted(text)} is not percent-encoded text.`);
  }
}

const quoted = (text: string): string => JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
