import { hash } from "node:crypto";
import { toSourceSpan } from "../ingest/chats/source-span.ts";
import type { ReadDocument, Section } from "../ingest/document.ts";
import type { FileStamp, NewDocument, Passage } from "../stores/store.ts";
import { chunkWithHeadings } from "./chunk.ts";
import { createTrail, type Heading } from "./headings.ts";
import { toLinkKeys } from "./ranking/links.ts";
import type { DocumentText, PassageText } from "./segment/builder.ts";
import { languageOf } from "./text/language.ts";
import { titleOf } from "./title.ts";

/** A document as the index is to keep it, but for the counts of its words, and what it is found by. */
export interface Prepared {
  readonly document: Omit<NewDocument, "number" | "about" | "words">;
  readonly text: DocumentText;
}

export interface Origin {
  readonly path: string;
  readonly bytes: Buffer;
  /** SHA-256 of the bytes, in hex. */
  readonly sha256: string;
  readonly stamp: FileStamp;
}

/** The text that bytes say. What is not UTF-8 becomes U+FFFD. */
export const toText = (bytes: Buffer): string => bytes.toString("utf8");

/** Cuts a document into passages and tells what it is found by. */
export function prepare(read: ReadDocument, { path, bytes, sha256, stamp }: Origin): Prepared {
  const source = read.text ?? bytes;
  const head = toText(source.subarray(0, 20_000)).replace(/^\uFEFF/, "");
  const title = read.title ?? titleOf(head, read.kind, path);
  const language = read.kind === "code" ? "en" : languageOf(head);
  const passages: Passage[] = [];
  const texts: PassageText[] = [];
  for (const section of sectionsOf(read.sections, source.length)) {
    for (const { start, end, trail } of passagesOf(source, read.kind, section)) {
      const raw = source.subarray(start, end);
      const text = toText(raw);
      // The title counts by itself, for the whole document.
      const above = trail.filter(({ at, text: heading }) => at < start && !title.startsWith(heading));
      const span = read.origin ? toSourceSpan(read.origin, { start, end }) : { start, end };
      passages.push({
        ...span,
        sha256: hash("sha256", read.origin ? bytes.subarray(span.start, span.end) : raw),
        text,
        label: [section.label, ...trail.map((heading) => heading.text)].filter((part) => part !== "").join(" › "),
        ...(section.id !== undefined && { identity: section.id }),
      });
      texts.push({ raw, ...(above.length > 0 && { context: above.map((heading) => heading.text).join(" ") }) });
    }
  }
  if (passages.length === 0) {
    passages.push({ start: 0, end: 0, sha256: hash("sha256", ""), text: "", label: "" });
    texts.push({ raw: Buffer.alloc(0) });
  }
  const { part, time, tags, aliases, links } = read;
  return {
    document: {
      part,
      sha256: read.text && !read.origin ? hash("sha256", `${title}\n${hash("sha256", read.text)}`) : sha256,
      title,
      language,
      time: time ?? Number(stamp.mtimeNs / 1_000_000n),
      facts: { ...(tags && { tags }), ...(aliases && { aliases }), ...(links && { links }) },
      ...(read.text && !read.origin && { text: read.text }),
      passages,
    },
    text: {
      language,
      about: [title, path.replace(/\.[^./]+$/, ""), ...(aliases ?? [])].join("\n"),
      ...(tags && { tags }),
      ...(links && part === "" && { links: toLinkKeys(links, path) }),
      passages: texts,
    },
  };
}

interface Range extends Pick<Section, "label" | "id"> {
  readonly start: number;
  readonly end: number;
}

/** The sections as ranges, and what stands before the first. */
function sectionsOf(sections: readonly Section[], length: number): readonly Range[] {
  const first = sections[0]?.start ?? length;
  const before: Range[] = first > 0 ? [{ start: 0, end: first, label: "" }] : [];
  const named = sections.map(({ start, label, id }, at) => ({
    start,
    end: sections[at + 1]?.start ?? length,
    label,
    ...(id !== undefined && { id }),
  }));
  return [...before, ...named];
}

function* passagesOf(source: Buffer, kind: ReadDocument["kind"], { start, end }: Range) {
  const { spans, headings } = chunkWithHeadings(source.subarray(start, end), kind);
  const trailAt = createTrail(headings);
  const moved = (heading: Heading): Heading => ({ ...heading, at: heading.at + start });
  for (const span of spans)
    yield { start: span.start + start, end: span.end + start, trail: trailAt(span.start).map(moved) };
}
