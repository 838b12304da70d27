import type { KeptSegment, SegmentFacts, TermBlock, TextIndex } from "../../stores/store.ts";
import { BlockWriter, entriesOf, type TermEntry } from "./block.ts";
import { toVocabulary } from "./builder.ts";
import { ByteReader, ByteWriter } from "./varint.ts";

/** So many segments of one size are merged into one. */
const width = 6;
/** Bytes of postings and positions that are written at a time. */
const slice = 4 * 1024 * 1024;
/** Up to so many documents are looked up one by one to see which are still there. */
const few = 2_000;

const sizeOf = ({ documents }: SegmentFacts): number => Math.floor(Math.log(documents.length + 1) / Math.log(width));

/** The segments to merge next, the smallest first: a query has to look into each, and what is gone takes up room in them. */
export function toMerge(segments: readonly KeptSegment[]): readonly KeptSegment[] {
  const bySize = new Map<number, KeptSegment[]>();
  for (const segment of segments) bySize.set(sizeOf(segment), [...(bySize.get(sizeOf(segment)) ?? []), segment]);
  const [size] = [...bySize].filter(([, same]) => same.length >= width).sort(([a], [b]) => a - b);
  // What is smaller goes along.
  return size ? segments.filter((segment) => sizeOf(segment) <= size[0]) : [];
}

/** Makes one segment of several, without what is gone, giving way between slices. False when it was overtaken or `signal` has ended it. */
export async function merge(index: TextIndex, segments: readonly KeptSegment[], signal: AbortSignal): Promise<boolean> {
  const isThere = liveOf(index, segments);
  const { facts, places } = place(segments, isThere);
  const writer = await index.replace(segments.map(({ id }) => id));
  try {
    const words: string[] = [];
    let blocks: TermBlock[] = [];
    let size = 0;
    const packer = new BlockWriter((block) => {
      blocks.push(block);
      size += block.postings.length + block.positions.length;
    });
    for (const entry of mergedEntries(index, segments, places)) {
      packer.add(entry);
      words.push(entry.term);
      if (size < slice) continue;
      await writer.add(blocks);
      blocks = [];
      size = 0;
      if (signal.aborted) break;
    }
    if (signal.aborted) {
      await writer.abandon();
      return false;
    }
    packer.flush();
    await writer.add(blocks);
    return await writer.finish({ ...facts, vocabulary: toVocabulary(words) });
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}

function liveOf(index: TextIndex, segments: readonly KeptSegment[]): ReadonlySet<number> {
  const ids = new Set<number>();
  for (const { documents } of segments) for (const id of documents) ids.add(id);
  if (ids.size <= few) return new Set([...ids].filter((id) => index.documentById(id) !== undefined));
  const live = new Set<number>();
  for (const { id } of index.entries(0)) if (ids.has(id)) live.add(id);
  return live;
}

/** Where each passage of each segment goes; -1 for one that is gone. */
function place(
  segments: readonly KeptSegment[],
  isThere: ReadonlySet<number>,
): { readonly facts: SegmentFacts; readonly places: readonly Int32Array[] } {
  const documents: number[] = [];
  const lengths: number[] = [];
  const places = segments.map((segment) =>
    Int32Array.from(segment.documents, (document, at) => {
      if (!isThere.has(document)) return -1;
      documents.push(document);
      lengths.push(segment.lengths[at] as number);
      return documents.length - 1;
    }),
  );
  return { facts: { documents: Uint32Array.from(documents), lengths: Uint16Array.from(lengths) }, places };
}

/** The terms of all segments in order, each once. */
function* mergedEntries(
  index: TextIndex,
  segments: readonly KeptSegment[],
  places: readonly Int32Array[],
): Generator<TermEntry> {
  const heads = segments.map((segment) => allEntries(index, segment));
  const next = heads.map((head) => head.next());
  const postings = new ByteWriter();
  const positions = new ByteWriter();
  for (;;) {
    let least: string | undefined;
    for (const { done, value } of next) if (!done && (least === undefined || value.term < least)) least = value.term;
    if (least === undefined) return;
    let count = 0;
    let before = 0;
    for (const [at, head] of heads.entries()) {
      const { done, value } = next[at] as IteratorResult<TermEntry, undefined>;
      if (done || value.term !== least) continue;
      const copied = copy(value, places[at] as Int32Array, { postings, positions, before });
      count += copied.count;
      before = copied.before;
      next[at] = head.next();
    }
    if (count > 0)
      yield {
        term: least,
        count,
        postings: postings.bytes.subarray(0, postings.size),
        positions: positions.bytes.subarray(0, positions.size),
      };
    postings.size = 0;
    positions.size = 0;
  }
}

function* allEntries(index: TextIndex, { id, firsts }: KeptSegment): Generator<TermEntry, undefined> {
  for (let place = 0; place < firsts.length; place++) {
    const block = index.block(id, place, true);
    if (!block) throw new Error("A segment was replaced while it was being merged.");
    yield* entriesOf(block.postings, block.positions);
  }
  return undefined;
}

interface Into {
  readonly postings: ByteWriter;
  readonly positions: ByteWriter;
  /** The passage that was written last. */
  readonly before: number;
}

function copy(entry: TermEntry, places: Int32Array, into: Into): { readonly count: number; readonly before: number } {
  const from = new ByteReader(entry.postings);
  const spots = new ByteReader(entry.positions);
  let passage = 0;
  let { before } = into;
  let count = 0;
  for (let left = entry.count; left > 0; left--) {
    passage += from.number();
    const times = from.number();
    const start = spots.at;
    // A number's last byte is the one below 128.
    for (let time = times; time > 0; spots.at++) {
      if (spots.at >= entry.positions.length)
        throw new Error("A part of the index is damaged: `portcullis index rebuild`.");
      if ((entry.positions[spots.at] as number) < 128) time--;
    }
    const place = places[passage] as number;
    if (place < 0) continue;
    into.postings.number(place - before);
    into.postings.number(times);
    into.positions.raw(entry.positions.subarray(start, spots.at));
    before = place;
    count++;
  }
  return { count, before };
}
