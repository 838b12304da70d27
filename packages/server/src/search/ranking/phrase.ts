import type { KeptSegment, TextIndex } from "../../stores/store.ts";
import { ByteReader } from "../segment/varint.ts";
import { lookUp, type SegmentPostings, type TermPostings } from "./postings.ts";
import type { Visible } from "./visible.ts";

/**
 * Where words stand one right behind the other. Each word is given as the terms of which any will do.
 */
export function phraseOf(
  index: TextIndex,
  {
    segments,
    words,
    visible,
  }: {
    readonly segments: readonly KeptSegment[];
    readonly words: readonly (readonly string[])[];
    readonly visible: Visible;
  },
): TermPostings {
  const parts: SegmentPostings[] = [];
  let count = 0;
  for (const segment of segments) {
    const part = inSegment(index, { segment, words, visible });
    if (!part) continue;
    parts.push(part);
    count += part.count;
  }
  return { count, parts };
}

/** Of each passage the places of a word, in order. */
type Places = Map<number, readonly number[]>;

function inSegment(
  index: TextIndex,
  {
    segment,
    words,
    visible,
  }: { readonly segment: KeptSegment; readonly words: readonly (readonly string[])[]; readonly visible: Visible },
): SegmentPostings | undefined {
  let ends: Places | undefined;
  for (const terms of words) {
    const here: Places = new Map();
    for (const term of terms) {
      const entry = lookUp(index, { segment, term, positions: true });
      if (!entry) continue;
      const postings = new ByteReader(entry.postings);
      const positions = new ByteReader(entry.positions);
      let passage = 0;
      for (let left = entry.count; left > 0; left--) {
        passage += postings.number();
        const times = postings.number();
        const before = ends?.get(passage);
        const wanted =
          (ends === undefined || before !== undefined) && visible.mask[segment.documents[passage] as number] === 1;
        const places: number[] = [];
        let place = 0;
        let next = 0;
        for (let time = 0; time < times; time++) {
          place += positions.number();
          if (before) while (next < before.length && (before[next] as number) < place - 1) next++;
          if (wanted && (before === undefined || before[next] === place - 1)) places.push(place);
        }
        if (places.length === 0) continue;
        const others = here.get(passage);
        here.set(passage, others ? [...others, ...places].sort((a, b) => a - b) : places);
      }
    }
    if (here.size === 0) return undefined;
    ends = here;
  }
  if (!ends) return undefined;
  const found = [...ends].sort(([a], [b]) => a - b);
  return {
    segment,
    count: found.length,
    passages: Int32Array.from(found, ([passage]) => passage),
    times: Int32Array.from(found, ([, places]) => places.length),
  };
}
