import type { Resource } from "@portcullis/contracts";
// Alone: the thread that indexes has no use for the schemas.
import { CallError } from "@portcullis/contracts/call-error";
import type { ServedFolder } from "../adapters/adapter.ts";
import type { DocumentKey } from "../stores/store.ts";

const escapeSegment = (segment: string): string =>
  encodeURIComponent(segment).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** A document by its file, and by what tells it from the file's others; that is empty when there are none. */
export interface DocumentPlace extends DocumentKey {
  readonly part: string;
}

/**
 * The id of a document: `NAME/relative/path.md`, the served folder's name and the path inside it, and for one of a file's several documents `!PART`
 * behind it. Each segment is percent-encoded: all bytes of its UTF-8 but letters and digits of ASCII and `-._~` (RFC 3986, unreserved) become `%XX` in
 * upper case; so an id is plain ASCII, stands in a URL path as it is, and each document has exactly one. It depends on nothing but these names, hence
 * outlives re-indexing and restarts.
 */
export const toDocumentId = (folder: string, path: string, part = ""): string =>
  [folder, ...path.split("/")].map(escapeSegment).join("/") + (part === "" ? "" : `!${escapeSegment(part)}`);

/** The source of documents that were put into the index by `index.add`; their path is the URL that they were given. */
export const addedSource = "added:";

/** The id of a document by where it stands, `name` being its folder's: of one that was added `added!URL`. */
export const idOf = ({ source, path, part }: DocumentPlace, name: string): string =>
  source === addedSource ? `added!${escapeSegment(path)}` : toDocumentId(name, path, part);

/** What policy judges for a document: its file, or the URL that it was added under. */
export const toResource = (place: DocumentKey): Resource =>
  place.source === addedSource
    ? { kind: "url", href: place.path, method: "GET" }
    : { kind: "path", path: toPolicyPath(place) };

/** The one spelling of a URL that a document may be added under; undefined for any other text. */
export function toAddedUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, href, username, password } = new URL(text);
  return (protocol === "https:" || protocol === "http:") && username + password === "" ? href : undefined;
}

/** The folder's name, the path and the part that an id stands for; undefined for any text that `toDocumentId` does not make. */
export function fromDocumentId(
  id: string,
): { readonly folder: string; readonly path: string; readonly part: string } | undefined {
  const mark = id.indexOf("!");
  let segments: string[];
  let part: string;
  try {
    segments = (mark < 0 ? id : id.slice(0, mark)).split("/").map(decodeURIComponent);
    part = mark < 0 ? "" : decodeURIComponent(id.slice(mark + 1));
  } catch {
    return undefined;
  }
  const [folder, ...inside] = segments;
  if (folder === undefined || inside.length === 0) return undefined;
  // A second spelling of a path (%2e%2e, %2F, lower-case hex, `//`) is no id: what is judged and what is opened stay one.
  if (segments.some((segment) => /^\.{0,2}$|[/\0]/.test(segment))) return undefined;
  const path = inside.join("/");
  return toDocumentId(folder, path, part) === id ? { folder, path, part } : undefined;
}

/** The document that an id names among the served folders; `NOT_FOUND` when it can be none. */
export function locate(folders: readonly ServedFolder[], id: string): DocumentPlace {
  if (id.startsWith("added!")) {
    const place = { source: addedSource, path: decodeAdded(id.slice(6)), part: "" };
    if (toAddedUrl(place.path) !== place.path || idOf(place, "") !== id) throw unknownDocument(id);
    return place;
  }
  const parts = fromDocumentId(id);
  const folder = parts && folders.find(({ name }) => name === parts.folder);
  if (!folder) throw unknownDocument(id);
  return { source: folder.path, path: parts.path, part: parts.part };
}

function decodeAdded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

/** The refusal for an id that names no document. */
export const unknownDocument = (id: string): CallError =>
  new CallError("NOT_FOUND", `There is no document with the id ${JSON.stringify(id.slice(0, 200))}.`, {
    details: { id: id.slice(0, 200), next: "Use an id exactly as `search` gave it." },
  });

/** The path that policy judges for a document: absolute and NFC. */
export const toPolicyPath = ({ source, path }: DocumentKey): string =>
  (path === "" ? source : `${source}/${path}`).normalize("NFC");
