import type { Segment, TermBlock } from "../../stores/store.ts";
import type { Language } from "../text/language.ts";
import { BlockWriter } from "./block.ts";
import { createDictionary } from "./dictionary.ts";
import { scan } from "./scan.ts";
import { sortTerms } from "./sort-terms.ts";
import { ByteWriter } from "./varint.ts";

/** What a passage is found by. */
export interface PassageText {
  /** In UTF-8. */
  readonly raw: Buffer;
  /** Words that it is found by though they do not stand in it: the headings above. */
  readonly context?: string;
}

export interface DocumentText {
  readonly language: Language;
  /** Words of the title, the path and other names. */
  readonly about: string;
  /** In lower case, without `#`. */
  readonly tags?: readonly string[];
  /** What it links to; see `toLinkKeys`. */
  readonly links?: readonly string[];
  readonly passages: readonly PassageText[];
}

/** What tells the terms of a document's names from those of its text: no term of a text begins so. */
export const aboutMark = "^";
/** What tells tags from words: the term of `#project/garden` is `#project/garden`, and `#project` is another of its document's. */
export const tagMark = "#";

/** What tells the keys of links from words. */
export const linkMark = ">";

/** The most terms that are remembered from one segment to the next. */
const mostRemembered = 150_000;
/** A passage's places; words behind the last share it. */
const placeBits = 13;
const places = 2 ** placeBits;
const mostPassages = 200_000;
const longestPassage = 65_535;

/** Gathers documents into a segment. One is used again and again: it remembers the terms of words. */
export interface SegmentBuilder {
  /** Gives the document's number in the segment, and how many words its names and its text have. */
  add(document: DocumentText): { readonly number: number; readonly about: number; readonly text: number };
  /** Bytes of text gathered, roughly. */
  readonly size: number;
  /** What has been gathered; the builder is then empty. */
  take(): Segment;
}

export function createSegmentBuilder(): SegmentBuilder {
  let dictionary = createDictionary();
  // One entry an occurrence: the term, and the passage with the place in it.
  let log = new Uint32Array(2 * 262_144);
  let logged = 0;
  let documents: number[] = [];
  let lengths: number[] = [];
  let document = 0;
  let size = 0;

  const note = (term: number, place: number): void => {
    if (logged + 2 > log.length) {
      const grown = new Uint32Array(log.length * 2);
      grown.set(log);
      log = grown;
    }
    log[logged++] = term;
    log[logged++] = ((lengths.length << placeBits) | (place < places ? place : places - 1)) >>> 0;
  };

  /** Notes the words of a text from a place on; gives the place behind the last. `mark` goes before each term. */
  const read = (bytes: Buffer, language: Language, { from = 0, mark = "" } = {}): number => {
    const memo = dictionary.memoOf(language, mark);
    let place = from;
    const take = (pairs: Int32Array): void => {
      for (let at = 0; at < pairs.length; at += 2) {
        note(pairs[at] as number, place);
        place += pairs[at + 1] as number;
      }
    };
    scan(bytes, memo.table, {
      known(value) {
        // Most words are one term, which stands for itself.
        if ((value & 1) === 0) note(value >>> 1, place++);
        else take(memo.several[value >>> 1] as Int32Array);
      },
      fresh(text) {
        const pairs = memo.readTerms(text);
        take(pairs);
        if (memo.table.size >= mostRemembered) return -1;
        if (pairs.length === 2) return (pairs[0] as number) * 2;
        memo.several.push(pairs);
        return (memo.several.length - 1) * 2 + 1;
      },
    });
    return place;
  };

  const gather = ({ language, about, tags = [], links = [], passages }: DocumentText) => {
    if (passages.length === 0) throw new RangeError("A document has at least one passage.");
    if (lengths.length + passages.length > 2 ** 32 / places) throw new RangeError("A segment has too many passages.");
    const named = read(Buffer.from(about), language, { mark: aboutMark });
    for (const tag of new Set(tags.flatMap(withAncestors))) note(dictionary.idOf(tag, tagMark), 0);
    for (const link of links) note(dictionary.idOf(link, linkMark), 0);
    let words = 0;
    for (const { raw, context } of passages) {
      const before = logged;
      const length = read(raw, language);
      const terms = (logged - before) / 2;
      // Behind the text, where no phrase reaches.
      if (context) read(Buffer.from(context), language, { from: length + 100 });
      words += terms;
      size += raw.length;
      documents.push(document);
      lengths.push(Math.min(terms, longestPassage));
    }
    return { about: named, text: words };
  };

  return {
    get size() {
      // So many passages make a segment, however short they are.
      return lengths.length > mostPassages ? Number.POSITIVE_INFINITY : size;
    },
    add(text) {
      const before = { logged, passages: lengths.length, size };
      try {
        return { ...gather(text), number: document++ };
      } catch (error) {
        // Half a document would stand in the next one's passages.
        logged = before.logged;
        documents.length = before.passages;
        lengths.length = before.passages;
        size = before.size;
        throw error;
      }
    },
    take() {
      const segment: Segment = {
        documents: Uint32Array.from(documents),
        lengths: Uint16Array.from(lengths),
        ...toBlocks(log.subarray(0, logged), dictionary.terms),
      };
      logged = 0;
      documents = [];
      lengths = [];
      document = 0;
      size = 0;
      if (dictionary.terms.length > mostRemembered) dictionary = createDictionary();
      return segment;
    },
  };
}

/** Sorts the occurrences by term, which they keep their order in, and packs them. */
function toBlocks(log: Uint32Array, terms: readonly string[]): Pick<Segment, "blocks" | "vocabulary"> {
  const starts = new Uint32Array(terms.length + 1);
  for (let at = 0; at < log.length; at += 2) (starts[(log[at] as number) + 1] as number)++;
  const used: number[] = [];
  for (let id = 0; id < terms.length; id++) {
    if ((starts[id + 1] as number) > 0) used.push(id);
    starts[id + 1] = (starts[id + 1] as number) + (starts[id] as number);
  }
  const sorted = new Uint32Array(log.length / 2);
  const next = starts.slice();
  for (let at = 0; at < log.length; at += 2) {
    const id = log[at] as number;
    const to = next[id] as number;
    next[id] = to + 1;
    sorted[to] = log[at + 1] as number;
  }
  const ordered = sortTerms(used, terms);
  const blocks: TermBlock[] = [];
  const writer = new BlockWriter((block) => blocks.push(block));
  const postings = new ByteWriter(4_096);
  const positions = new ByteWriter(4_096);
  for (const id of ordered) {
    let count = 0;
    let before = 0;
    const end = starts[id + 1] as number;
    for (let at = starts[id] as number; at < end; ) {
      const passage = (sorted[at] as number) >>> placeBits;
      let times = 0;
      let place = 0;
      for (; at < end && (sorted[at] as number) >>> placeBits === passage; at++) {
        const here = (sorted[at] as number) & (places - 1);
        positions.number(here - place);
        place = here;
        times++;
      }
      postings.number(passage - before);
      postings.number(times);
      before = passage;
      count++;
    }
    writer.add({
      term: terms[id] as string,
      count,
      postings: postings.bytes.subarray(0, postings.size),
      positions: positions.bytes.subarray(0, positions.size),
    });
    postings.size = 0;
    positions.size = 0;
  }
  writer.flush();
  return { blocks, vocabulary: toVocabulary(ordered.map((id) => terms[id] as string)) };
}

const isWord = /^[\p{L}\p{M}]{3,32}$/u;

/** The words among terms, as a segment keeps them. */
export const toVocabulary = (terms: readonly string[]): string =>
  terms
    .filter((term) => isWord.test(term))
    .map((term) => `${term}\n`)
    .join("");

/** `a/b/c` with `a/b` and `a`. */
function withAncestors(tag: string): readonly string[] {
  const segments = tag.split("/").filter((segment) => segment !== "");
  return segments.map((_, at) => segments.slice(0, at + 1).join("/"));
}
