import { hash } from "node:crypto";
import { type Citation, toUri } from "@portcullis/contracts";
import type { ServedFolder } from "../adapters/adapter.ts";
import type { IndexedDocument, Passage, TextIndex } from "../stores/store.ts";
import { addedSource, idOf } from "./document-id.ts";
import { createFolderTree, type FolderTree, isSameStamp } from "./folder-tree.ts";
import { Unreadable } from "./pinned.ts";
import type { Ranked } from "./ranking/select.ts";

/** A passage of a document, with its citation. */
export interface Hit extends Required<Citation> {
  readonly title: string;
  readonly text: string;
  /** Higher is better; comparable within one answer only. */
  readonly score: number;
  /** What a reader calls the place in the document; may be empty. */
  readonly label: string;
  /** Whether the range is one of the text that was made from the file, and not of the file's bytes. */
  readonly derived: boolean;
  /** The document's, in milliseconds since 1970. */
  readonly time: number;
}

/**
 * Makes hits of what was ranked, at most so many: each span is read back from its file to tell whether it is still so. What is gone, or cannot be read any
 * more, is no hit; a message that was found already, in another file, is none either.
 */
export function createCiter(options: { readonly index: TextIndex; readonly folders: readonly ServedFolder[] }) {
  const { index, folders } = options;
  const places = new Map(folders.map((folder) => [folder.path, { folder, tree: createFolderTree(folder.path) }]));

  return (ranked: readonly Ranked[], limit: number): readonly Hit[] => {
    const hits: Hit[] = [];
    const identities = new Set<string>();
    for (const { document: id, place, score } of ranked) {
      if (hits.length >= limit) break;
      const document = index.documentById(id);
      const passage = index.passage(id, place);
      const at = document && places.get(document.source);
      if (!document || !passage || (!at && document.source !== addedSource)) continue;
      if (passage.identity !== undefined) {
        if (identities.has(passage.identity)) continue;
        identities.add(passage.identity);
      }
      // What was added has no file that could say something else by now.
      const stale = at ? isStale(at.tree, document, passage) : false;
      if (stale === undefined) continue;
      const { start, end, sha256, text, label } = passage;
      hits.push({
        id: idOf(document, at?.folder.name ?? ""),
        uri: at ? toUri({ kind: "path", path: `${document.source}/${document.path}` }) : document.path,
        title: document.title,
        text,
        score,
        start,
        end,
        sha256,
        stale,
        label,
        derived: document.derived,
        time: document.time,
      });
    }
    return hits;
  };
}

/** Whether a document says something else at a passage now than when it was indexed; undefined when it cannot be read. */
export function isStale(
  tree: FolderTree,
  { path, derived, stamp }: Pick<IndexedDocument, "path" | "derived" | "stamp">,
  { start, end, sha256 }: Pick<Passage, "start" | "end" | "sha256">,
): boolean | undefined {
  try {
    if (!derived) return hash("sha256", tree.readSpan(path, start, end)) !== sha256;
    const found = tree.find(path);
    return found.kind !== "file" ? undefined : !isSameStamp(found.stamp, stamp);
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
}
