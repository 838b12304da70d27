import type { KeptSegment, TextIndex } from "../../stores/store.ts";
import { blockOf, findEntry, type TermEntry } from "../segment/block.ts";
import type { Visible } from "./visible.ts";

/** Where a term stands in one segment, in visible documents: passages in order, each with how often. */
export interface SegmentPostings {
  readonly segment: KeptSegment;
  readonly count: number;
  readonly passages: Int32Array;
  readonly times: Int32Array;
}

export interface TermPostings {
  /** In how many visible passages it stands. */
  readonly count: number;
  readonly parts: readonly SegmentPostings[];
}

/** The entry of a term in a segment. */
export function lookUp(
  index: TextIndex,
  {
    segment,
    term,
    positions = false,
  }: { readonly segment: KeptSegment; readonly term: string; readonly positions?: boolean },
): TermEntry | undefined {
  const place = blockOf(segment.firsts, term);
  if (place < 0) return undefined;
  const block = index.block(segment.id, place, positions);
  return block && findEntry(term, block.postings, block.positions);
}

/** How many passages a term stands in at most: those of hidden and departed documents count too, so it must not reach a caller. */
export function storedCount(index: TextIndex, segments: readonly KeptSegment[], term: string): number {
  let count = 0;
  for (const segment of segments) count += lookUp(index, { segment, term })?.count ?? 0;
  return count;
}

/** Where a term stands in visible documents. */
export function postingsOf(
  index: TextIndex,
  {
    segments,
    term,
    visible,
  }: { readonly segments: readonly KeptSegment[]; readonly term: string; readonly visible: Visible },
): TermPostings {
  const parts: SegmentPostings[] = [];
  let count = 0;
  for (const segment of segments) {
    const entry = lookUp(index, { segment, term });
    if (!entry) continue;
    const part = decode(segment, entry, visible.mask);
    if (part.count > 0) parts.push(part);
    count += part.count;
  }
  return { count, parts };
}

/** What is decoded lies here until the next query begins: as garbage it would be megabytes a query. */
let room = new Int32Array(262_144);
let used = 0;

/** Begins a query, which has to come to its end without waiting: what was decoded before is overwritten. */
export function reuseRoom(): void {
  used = 0;
}

function roomFor(count: number): Int32Array {
  if (used + count > room.length) {
    // Whoever has a part of the old one keeps it.
    room = new Int32Array(Math.max(room.length * 2, count));
    used = 0;
  }
  used += count;
  return room.subarray(used - count, used);
}

function decode(segment: KeptSegment, { postings, count }: TermEntry, mask: Uint8Array): SegmentPostings {
  const passages = roomFor(count);
  const times = roomFor(count);
  const { documents } = segment;
  let found = 0;
  let passage = 0;
  let at = 0;
  // Written out: this loop is where a query spends its time.
  for (let left = count; left > 0; left--) {
    let byte = postings[at++] as number;
    let value = byte & 127;
    for (let shift = 7; byte > 127; shift += 7) {
      byte = postings[at++] as number;
      value |= (byte & 127) << shift;
    }
    passage += value;
    byte = postings[at++] as number;
    value = byte & 127;
    for (let shift = 7; byte > 127; shift += 7) {
      byte = postings[at++] as number;
      value |= (byte & 127) << shift;
    }
    if (mask[documents[passage] as number] !== 1) continue;
    passages[found] = passage;
    times[found++] = value;
  }
  return { segment, count: found, passages, times };
}
