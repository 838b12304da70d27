import type { KeptSegment, TextIndex } from "../../stores/store.ts";
import { folderOf, join, nameOf, stemOf } from "../../vault/link-name.ts";
import { blockOf, entriesOf } from "../segment/block.ts";
import { linkMark } from "../segment/builder.ts";
import { ByteReader } from "../segment/varint.ts";

const longestKey = 500;

/** What a document's links are kept under: a bare name, or a path from the folder's top behind `/`. Those that lead out of it are left out. */
export function toLinkKeys(targets: readonly string[], path: string): readonly string[] {
  const keys = new Set<string>();
  const folder = folderOf(path);
  for (const target of targets) {
    if (!target.includes("/")) keys.add(nameOf(target));
    else if (target.startsWith("/")) keys.add(`/${stemOf(target.replace(/^\/+/, ""))}`);
    else {
      const near = /^\.\.?\//.test(target) ? join(folder, target) : undefined;
      if (near !== undefined) keys.add(`/${stemOf(near)}`);
      // Obsidian writes paths from the vault's top into Markdown links too.
      const plain = target.replace(/^(?:\.\/)+/, "");
      if (!plain.startsWith("../")) keys.add(`/${stemOf(plain)}`);
    }
  }
  return [...keys].filter(
    (key) => key !== "" && key !== "/" && key.length <= longestKey && key.isWellFormed() && !/\p{Cc}/u.test(key),
  );
}

/** The links of a segment: the documents that have one, by the hash of its key, in the order of hashes. */
export interface LinkTable {
  readonly hashes: Uint32Array;
  readonly documents: Uint32Array;
}

/** Reads the links of a segment; it stays short where blocks have gone meanwhile, since the segment then has too. */
export async function readLinks(
  index: TextIndex,
  segment: KeptSegment,
  pace: () => Promise<void> | undefined,
): Promise<LinkTable> {
  const found: { hash: number; document: number }[] = [];
  const { firsts, documents } = segment;
  for (let place = Math.max(0, blockOf(firsts, linkMark)); place < firsts.length; place++) {
    if ((firsts[place] as string) > `${linkMark}\uffff`) break;
    const block = index.block(segment.id, place, false);
    for (const { term, count, postings } of block ? entriesOf(block.postings) : []) {
      if (!term.startsWith(linkMark)) continue;
      const hash = hashOf(term.slice(linkMark.length));
      const reader = new ByteReader(postings);
      for (let left = count, passage = 0; left > 0; left--) {
        passage += reader.number();
        reader.number();
        found.push({ hash, document: documents[passage] as number });
      }
      await pace();
    }
  }
  found.sort((a, b) => a.hash - b.hash || a.document - b.document);
  return {
    hashes: Uint32Array.from(found, ({ hash }) => hash),
    documents: Uint32Array.from(found, ({ document }) => document),
  };
}

/** More than so many links tell no more. */
const mostLinks = 63;

/** How many visible documents link to the document of a path, itself left out. */
export function countLinks(
  tables: Iterable<LinkTable>,
  { path, document, mask }: { readonly path: string; readonly document: number; readonly mask: Uint8Array },
): number {
  const wanted = [hashOf(`/${stemOf(path)}`), hashOf(nameOf(path))];
  const linking = new Set<number>();
  for (const { hashes, documents } of tables) {
    for (const hash of hashes.length > 0 ? wanted : []) {
      for (let at = firstOf(hashes, hash); hashes[at] === hash && linking.size < mostLinks; at++) {
        const from = documents[at] as number;
        if (from !== document && mask[from] === 1) linking.add(from);
      }
    }
  }
  return linking.size;
}

function firstOf(hashes: Uint32Array, hash: number): number {
  let low = 0;
  let high = hashes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((hashes[middle] as number) < hash) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** FNV-1a over UTF-16 units. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
