import { isUtf8 } from "node:buffer";
import { CallError } from "@portcullis/contracts";
import type { OpenResource } from "../adapters/adapter.ts";
import type { Scrubbed } from "../redaction/redactor.ts";
import { type ScrubbedPiece, scrubStream } from "../redaction/stream.ts";
import type { Authorization } from "./authorize.ts";
import type { Parts } from "./parts.ts";
import type { Span } from "./read-resource.ts";

export interface Piece {
  readonly data: string;
  /** Bytes `[from, to)` of the resource. */
  readonly from: number;
  readonly to: number;
  readonly masked: Readonly<Record<string, number>>;
}

export interface Pieces {
  readonly encoding: "text" | "base64";
  /** Where what is told begins: behind what was asked for, when that lies in the middle of a secret or a letter. */
  readonly start: number;
  readonly pieces: AsyncGenerator<Piece>;
}

interface Wanted {
  readonly opened: OpenResource;
  readonly span: Span;
  readonly encoding: "auto" | "text" | "base64";
  readonly authorization: Authorization;
  readonly signal: AbortSignal;
}

/** How far before and behind what is wanted secrets are looked for, in bytes. */
const around = 32 * 1024;
/** The beginning, by which text is told from bytes. */
const sample = 8 * 1024;

/** A part of a resource in masked pieces, the first of which is ready. */
export async function openPieces(
  parts: Parts,
  { opened, span, encoding, authorization, signal }: Wanted,
): Promise<Pieces> {
  const patterns = new Set(authorization.verdicts.flatMap(({ obligations }) => [...obligations.redact]));
  const extra = patterns.size === 0 ? undefined : parts.compilePatterns([...patterns]);
  const scrub = (text: string): Scrubbed<string> => parts.redactor.scrubText(text, extra);
  const text = encoding === "text" || (encoding === "auto" && (await isText(opened, signal)));
  const first = Math.max(0, span.start - around);
  const last = Math.min(opened.size, span.end + around);
  const bytes = opened.read({ start: first, end: last }, signal);
  const { letters, skipped } = text
    ? await toUtf8(bytes, { inside: first > 0, whole: last === opened.size })
    : { letters: toLatin1(bytes), skipped: 0 };
  const found = scrubStream(letters, {
    scrub: text ? scrub : scrubBytes(scrub),
    measure: text ? (piece) => Buffer.byteLength(piece) : (piece) => piece.length,
    skip: span.start - first - skipped,
    take: span.end - span.start,
  });
  const pieces = toPieces(found, first + skipped, text);
  // The first one is made now: what cannot be read is refused before anything was promised.
  const begun = await pieces.next();
  return {
    encoding: text ? "text" : "base64",
    start: begun.done ? span.end : begun.value.from,
    pieces: startingWith(begun, pieces),
  };
}

async function* startingWith(first: IteratorResult<Piece>, rest: AsyncGenerator<Piece>): AsyncGenerator<Piece> {
  if (first.done) return;
  try {
    yield first.value;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}

async function* toPieces(found: AsyncGenerator<ScrubbedPiece>, offset: number, text: boolean): AsyncGenerator<Piece> {
  for await (const piece of found) {
    const data = text ? piece.text : Buffer.from(piece.text, "latin1").toString("base64");
    yield { data, from: offset + piece.from, to: offset + piece.to, masked: piece.masked };
  }
}

async function isText(opened: OpenResource, signal: AbortSignal): Promise<boolean> {
  const end = Math.min(sample, opened.size);
  const bytes: Buffer[] = [];
  for await (const piece of opened.read({ start: 0, end }, signal)) bytes.push(piece);
  const head = Buffer.concat(bytes);
  // A letter may be cut off at the sample's end.
  const whole = [0, 1, 2, 3].some((cut) => cut <= head.length && isUtf8(head.subarray(0, head.length - cut)));
  return whole && !head.includes(0);
}

async function* toLatin1(bytes: AsyncIterable<Buffer>): AsyncGenerator<string> {
  for await (const piece of bytes) yield piece.toString("latin1");
}

/** Text in two bytes a letter hides from a look at single bytes: it is looked at without the zeros, and withheld for whatever is found. */
const scrubBytes =
  (scrub: (text: string) => Scrubbed<string>) =>
  (text: string): Scrubbed<string> => {
    const dense = text.replaceAll("\0", "");
    // No secret is shorter: what a sparse file or an image is filled with need not be looked at.
    if (!/[\x21-\x7e\x80-\xff]{4}/.test(dense)) return { value: text, masked: {} };
    if (text.length - dense.length >= text.length / 4) {
      const wide = scrub(dense);
      if (wide.value !== dense) return { value: "[redacted:withheld]", masked: wide.masked };
    }
    return scrub(text);
  };

/** Bytes as text. `inside` tells that they may begin in the middle of a letter, `whole` that none may be cut off at their end. */
async function toUtf8(
  bytes: AsyncGenerator<Buffer>,
  { inside, whole }: { readonly inside: boolean; readonly whole: boolean },
): Promise<{ readonly letters: AsyncGenerator<string>; readonly skipped: number }> {
  const { value: head } = await bytes.next();
  const skipped = inside && head ? restOfLetter(head) : 0;
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const next = (piece: Buffer | undefined, stream: boolean): string => {
    try {
      return decoder.decode(piece, { stream });
    } catch {
      throw notText();
    }
  };
  const letters = (async function* () {
    try {
      if (head) yield next(head.subarray(skipped), true);
      for await (const piece of bytes) yield next(piece, true);
      if (whole) yield next(undefined, false);
    } finally {
      await bytes.return(undefined);
    }
  })();
  return { letters, skipped };
}

function restOfLetter(bytes: Buffer): number {
  let rest = 0;
  while (rest < 3 && ((bytes[rest] ?? 0) & 0xc0) === 0x80) rest += 1;
  return rest;
}

const notText = (): CallError =>
  new CallError("VALIDATION_ERROR", "The resource is not text in UTF-8, and turning it into text would change it.", {
    details: { reason: "not_utf8", next: 'Ask for it with "encoding":"base64".' },
  });
