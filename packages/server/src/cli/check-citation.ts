import { hash } from "node:crypto";
import { basename, dirname } from "node:path";
import { type CallError, type Failure, type Outcome, toUri } from "@portcullis/contracts";
import { locate, toDocumentId } from "../search/document-id.ts";
import { createFolderTree, isSameStamp } from "../search/folder-tree.ts";
import { createPace } from "../search/pace.ts";
import { Unreadable } from "../search/pinned.ts";
import type { DocumentKey, IndexedDocument, Passage, TextIndex } from "../stores/store.ts";
import type { Form, Reference } from "./citation-reference.ts";
import type { OpenServer } from "./open-server.ts";

/**
 * `stale`: the file has changed since the index cited it. `differs`: these bytes were never cited by the index, or are not there. `unknown`: nothing
 * tells what they should be.
 */
export type Verdict = "holds" | "stale" | "differs" | "unknown";

export interface Checked {
  readonly ok: true;
  readonly verdict: Verdict;
  /** Why, in a sentence. */
  readonly says: string;
  readonly id?: string;
  readonly uri: string;
  readonly form: Form;
  readonly part?: string;
  readonly start: number;
  readonly end: number;
  /** Of what stands there now. */
  readonly sha256: string;
  /** What it should be: as it was given, else as the index has it. */
  readonly expected?: string;
  readonly stale: boolean;
  readonly title?: string;
  readonly label?: string;
  /** What stands there, masked as every answer is; undefined where it cannot be shown. */
  readonly text?: string;
  readonly notes: readonly string[];
  readonly auditId: string;
}

interface Asker {
  readonly server: OpenServer;
  readonly subject: string;
}

interface Place {
  readonly path: string;
  readonly source?: string;
  readonly inside?: string;
  readonly id?: string;
  readonly document?: IndexedDocument;
}

interface Span {
  readonly bytes: Buffer;
  readonly text?: string;
  readonly notes: readonly string[];
  readonly auditId: string;
}

/** Reads a cited span back through the corridor, and compares it with what was cited. A refusal is the corridor's own outcome. */
export async function checkCitation(asker: Asker, reference: Reference): Promise<Checked | Failure> {
  const place = await placeOf(asker.server, reference);
  if (!place) return refuse("NOT_FOUND", `No document has the id ${reference.id}.`);
  const { document } = place;
  const form = reference.form ?? (document?.derived ? "text" : "bytes");
  if (form === "text" && !document?.derived) {
    return document
      ? refuse("VALIDATION_ERROR", "This document's text is its file's own bytes: cite it with #bytes=.")
      : refuse("NOT_FOUND", "The index has no such document, so no text was made from it.");
  }
  const span =
    form === "text" && document
      ? await readText(asker, { reference, place, document })
      : await readBytes(asker, reference, place);
  if ("code" in span) return span;

  const passage = document && passageAt(asker.server.index, document, reference);
  const sha256 = hash("sha256", span.bytes);
  const judged = judge({ reference, form, sha256, passage, span, changed: hasChanged(place) });
  const { part } = document ?? {};
  return {
    ok: true,
    ...judged,
    stale: judged.verdict === "stale",
    ...(place.id !== undefined && { id: place.id }),
    uri: toUri({ kind: "path", path: place.path }),
    form,
    ...(part && { part }),
    start: reference.start,
    end: reference.end,
    sha256,
    ...shown(asker.server, { title: document?.title, label: passage?.label }),
    ...(span.text !== undefined && { text: span.text }),
    notes: span.notes,
    auditId: span.auditId,
  };
}

const refuse = (code: Failure["code"], message: string): Failure => ({ ok: false, code, message, auditId: "" });

/** Names leave masked too; they come from the index and not from an answer. */
function shown(
  { parts }: OpenServer,
  names: { readonly title: string | undefined; readonly label: string | undefined },
): Pick<Checked, "title" | "label"> {
  const told = Object.fromEntries(Object.entries(names).filter(([, name]) => name !== undefined && name !== ""));
  return parts.redactor.scrub(told).value as Pick<Checked, "title" | "label">;
}

/** The file, and the document of the index where there is one; undefined for an id of no served folder. */
async function placeOf({ folders, index }: OpenServer, reference: Reference): Promise<Place | undefined> {
  if (reference.uri === undefined) {
    try {
      const key = locate(folders, reference.id ?? "");
      const document = index.document(key, key.part);
      return {
        path: `${key.source}/${key.path}`,
        source: key.source,
        inside: key.path,
        id: reference.id ?? "",
        ...(document && { document }),
      };
    } catch (error) {
      if ((error as CallError).code === "NOT_FOUND") return undefined;
      throw error;
    }
  }
  const path = decodeURIComponent(new URL(reference.uri).pathname);
  const innermostFirst = folders
    .filter((folder) => path.startsWith(`${folder.path}/`))
    .sort((a, b) => b.path.length - a.path.length);
  const within = await Promise.all(
    innermostFirst.map(async ({ name, path: source }) => {
      const key = { source, path: path.slice(source.length + 1) };
      return { name, key, document: await documentAt(index, key, reference) };
    }),
  );
  const at = within.find(({ document }) => document !== undefined) ?? within[0];
  if (!at) return { path };
  const { name, key, document } = at;
  return {
    path,
    source: key.source,
    inside: key.path,
    ...(document && { document, id: toDocumentId(name, key.path, document.part) }),
  };
}

/** The document of a file that is meant: the one that is named, else the one with a passage of this range, else any. */
async function documentAt(
  index: TextIndex,
  key: DocumentKey,
  { part, start, end }: Reference,
): Promise<IndexedDocument | undefined> {
  if (part !== undefined) return index.document(key, part);
  const pace = createPace();
  let first: IndexedDocument | undefined;
  for (const name of (await index.parts(key)).keys()) {
    await pace();
    const document = index.document(key, name);
    if (document && passageAt(index, document, { start, end })) return document;
    first ??= document;
  }
  return first;
}

async function ask(
  { server, subject }: Asker,
  name: string,
  args: Readonly<Record<string, unknown>>,
): Promise<Outcome> {
  return server.corridor.handleCall({
    door: "cli",
    credential: { kind: "local", subject },
    name,
    args,
    trace: { purpose: "check a citation on the command line" },
  });
}

/** The span of the file itself. The answer shows it, masked; the hash is of the bytes, which are read once it is allowed. */
async function readBytes(asker: Asker, { start, end }: Reference, place: Place): Promise<Span | Failure> {
  const asked = { path: place.path, range: { start, end } };
  let outcome = await ask(asker, "fs.readFile", asked);
  if (!outcome.ok && outcome.details?.reason === "not_utf8")
    outcome = await ask(asker, "fs.readFile", { ...asked, encoding: "base64" });
  const { auditId } = outcome;
  // There is nothing at that place any more.
  if (!outcome.ok && outcome.details?.reason === "range")
    return { bytes: Buffer.alloc(0), text: "", notes: [outcome.message], auditId };
  if (!outcome.ok) return outcome;
  const { content, encoding } = outcome.result as { content: string; encoding: "utf8" | "base64" };
  const notes = outcome.why ?? [];
  try {
    const tree = createFolderTree(place.source ?? dirname(place.path).replace(/^\/$/, ""));
    const bytes = tree.readSpan(place.inside ?? basename(place.path), start, end);
    if (encoding === "utf8") return { bytes, text: content, notes, auditId };
    const same = Buffer.from(content, "base64").equals(bytes);
    return { bytes, ...(same && { text: bytes.toString("utf8") }), notes, auditId };
  } catch (error) {
    if (error instanceof Unreadable) return { ...refuse("NOT_FOUND", error.message), auditId };
    throw error;
  }
}

/** The span of a text that was made from the file: the index has it, and policy is asked about the file. */
async function readText(
  asker: Asker,
  { reference, place, document }: { reference: Reference; place: Place; document: IndexedDocument },
): Promise<Span | Failure> {
  const outcome = await ask(asker, "fetch", { id: place.id });
  const { auditId } = outcome;
  // Too large for an answer is said only to whom policy allows the document.
  if (!outcome.ok && outcome.code !== "TOO_LARGE") return outcome;
  const { start, end } = reference;
  const bytes = Buffer.from(asker.server.index.text(document.id) ?? []).subarray(start, end);
  if (!outcome.ok)
    return { bytes, notes: ["The document is too large for an answer, so its text is not shown."], auditId };
  const { text } = outcome.result as { text: string };
  const answered = Buffer.from(text).subarray(start, end);
  const notes = outcome.why ?? [];
  // A mask before the span moves it.
  return answered.equals(bytes)
    ? { bytes, text: bytes.toString("utf8"), notes, auditId }
    : { bytes, notes: [...notes, "What is masked in this document moves its text, which is not shown."], auditId };
}

/** The passage of exactly this range. */
export function passageAt(
  index: TextIndex,
  document: IndexedDocument,
  { start, end }: Pick<Reference, "start" | "end">,
): Passage | undefined {
  for (let place = 0; place < document.passages; place++) {
    const passage = index.passage(document.id, place);
    if (passage?.start === start && passage.end === end) return passage;
  }
  return undefined;
}

/** Whether the file is another one than was indexed; undefined when it never was. */
function hasChanged({ document, source, inside }: Place): boolean | undefined {
  if (!document || source === undefined || inside === undefined) return undefined;
  try {
    const found = createFolderTree(source).find(inside);
    return found.kind !== "file" || !isSameStamp(found.stamp, document.stamp);
  } catch (error) {
    if (error instanceof Unreadable) return true;
    throw error;
  }
}

interface Facts {
  readonly reference: Reference;
  readonly form: Form;
  readonly sha256: string;
  readonly passage: Passage | undefined;
  readonly span: Span;
  readonly changed: boolean | undefined;
}

function judge(facts: Facts): Pick<Checked, "verdict" | "says" | "expected"> {
  const { reference, form, sha256, passage, span, changed } = facts;
  const whole = span.bytes.length === reference.end - reference.start;
  const expected = reference.sha256 ?? passage?.sha256;
  const who = reference.sha256 === undefined ? "as the index cites it" : "with the SHA-256 that was given";
  if (form === "text" && changed)
    return {
      verdict: "stale",
      says: "The file has changed since this text was made from it.",
      ...(expected && { expected }),
    };
  if (expected === undefined) {
    if (!whole) return { verdict: "differs", says: "The document ends before this range does." };
    if (changed === undefined)
      return { verdict: "unknown", says: "The index does not have this file; give the SHA-256 with --sha256." };
    return changed
      ? { verdict: "stale", says: "The file has changed since it was indexed." }
      : { verdict: "holds", says: "The index cites other ranges; the file is as it was indexed." };
  }
  if (sha256 === expected) return { verdict: "holds", says: `It stands there ${who}.`, expected };
  const cited = passage !== undefined && passage.sha256 === expected;
  if (cited || (passage === undefined && changed === true))
    return { verdict: "stale", says: "Other bytes stand there now: the file has changed since.", expected };
  return { verdict: "differs", says: `It does not stand there ${who}.`, expected };
}
