import { hash } from "node:crypto";
import type { DocumentKey, FileStamp, IndexChange } from "../stores/store.ts";
import { chunk } from "./chunk.ts";
import type { createPace } from "./pace.ts";
import { toTerms } from "./terms.ts";
import { binaryByContent, kindOf } from "./text-kind.ts";
import { titleOf } from "./title.ts";

export interface RawDocument {
  readonly key: DocumentKey;
  readonly bytes: Buffer;
  readonly stamp: FileStamp;
  /** SHA-256 of the bytes, in hex. */
  readonly sha256: string;
}

/** The text that bytes say. What is not UTF-8 becomes U+FFFD. */
export const toText = (bytes: Buffer): string => bytes.toString("utf8");

/** What the index is to keep of a file: its passages and terms, or why it is no text. */
export async function readDocument(
  { key, bytes, stamp, sha256 }: RawDocument,
  pace: ReturnType<typeof createPace>,
): Promise<IndexChange> {
  const reason = binaryByContent(bytes);
  if (reason !== undefined) return { kind: "skip", key, stamp, reason };
  const kind = kindOf(key.path);
  const title = titleOf(toText(bytes.subarray(0, 20_000)).replace(/^\uFEFF/, ""), kind, key.path);
  const chunks = [];
  const spans = chunk(bytes, kind);
  for (const { start, end } of spans.length > 0 ? spans : [{ start: 0, end: 0 }]) {
    const raw = bytes.subarray(start, end);
    const text = toText(raw);
    chunks.push({ start, end, sha256: hash("sha256", raw), text, terms: toTerms(text) });
    await pace();
  }
  return { kind: "put", key, stamp, sha256, title, terms: { title: toTerms(title), path: toTerms(key.path) }, chunks };
}
