import type { Segment, TermBlock } from "../../stores/store.ts";
import { type Language, stemmerOf } from "../text/language.ts";
import { toTerms } from "../text/terms.ts";
import { eachWord } from "../text/words.ts";
import { BlockWriter } from "./block.ts";
import { ByteWriter } from "./varint.ts";

/** What a passage is found by. */
export interface PassageText {
  readonly text: string;
  /** Words that it is found by though they do not stand in it: the headings above. */
  readonly context?: string;
}

export interface DocumentText {
  readonly language: Language;
  /** Words of the title, the path and other names. */
  readonly about: string;
  /** In lower case, without `#`. */
  readonly tags?: readonly string[];
  readonly passages: readonly PassageText[];
}

/** What tells the terms of a document's names from those of its text: no term of a text begins so. */
export const aboutMark = "^";
/** What tells tags from words: the term of `#project/garden` is `#project/garden`, and `#project` is another of its document's. */
export const tagMark = "#";

/** The most words of a language whose terms are remembered. */
const mostRemembered = 200_000;
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
  let ids = new Map<string, number>();
  let terms: string[] = [];
  let memos = new Map<Language, Map<string, Int32Array>>();
  // One entry an occurrence: the term, the passage, and the place in it.
  let log = new Uint32Array(3 * 262_144);
  let logged = 0;
  let documents: number[] = [];
  let lengths: number[] = [];
  let document = 0;
  let size = 0;

  const idOf = (term: string): number => {
    let id = ids.get(term);
    if (id === undefined) {
      id = terms.length;
      terms.push(term);
      ids.set(term, id);
    }
    return id;
  };

  const note = (term: number, place: number): void => {
    if (logged + 3 > log.length) {
      const grown = new Uint32Array(log.length * 2);
      grown.set(log);
      log = grown;
    }
    log[logged++] = term;
    log[logged++] = lengths.length;
    log[logged++] = place;
  };

  const memoOf = (key: string): Map<string, Int32Array> => {
    let memo = memos.get(key);
    if (!memo) {
      memo = new Map();
      memos.set(key, memo);
    }
    if (memo.size > mostRemembered) memo.clear();
    return memo;
  };

  /** Notes the words of a text from a place on; gives the place behind the last. `mark` goes before each term. */
  const read = (text: string, language: Language, { from = 0, mark = "" } = {}): number => {
    const memo = memoOf(`${mark}${language}`);
    const stem = stemmerOf(language);
    let place = from;
    eachWord(text, {
      word(word) {
        let found = memo.get(word);
        if (found === undefined) {
          found = Int32Array.from(toTerms(word, stem), (term) => idOf(mark + term));
          memo.set(word, found);
        }
        const { length } = found;
        if (length === 0) return;
        // A name made of words is found by itself and word by word, as they follow each other.
        note(found[0] as number, place);
        for (let at = 1; at < length; at++) note(found[at] as number, place++);
        if (length === 1) place++;
      },
      gram(gram) {
        note(idOf(mark + gram), place++);
      },
    });
    return place;
  };

  return {
    get size() {
      return size;
    },
    add({ language, about, tags = [], passages }) {
      const first = lengths.length;
      const named = read(about, language, { mark: aboutMark });
      for (const tag of new Set(tags.flatMap(withAncestors))) note(idOf(tagMark + tag), 0);
      let words = 0;
      for (const { text, context } of passages) {
        const length = read(text, language);
        // Behind the text, where no phrase reaches.
        if (context) read(context, language, { from: length + 100 });
        words += length;
        size += text.length;
        documents.push(document);
        lengths.push(Math.min(length, longestPassage));
      }
      if (lengths.length === first) throw new RangeError("A document has at least one passage.");
      return { number: document++, about: named, text: words };
    },
    take() {
      const segment: Segment = {
        documents: Uint32Array.from(documents),
        lengths: Uint16Array.from(lengths),
        ...toBlocks(log.subarray(0, logged), terms),
      };
      logged = 0;
      documents = [];
      lengths = [];
      document = 0;
      size = 0;
      if (terms.length > 2 * mostRemembered) {
        ids = new Map();
        terms = [];
        memos = new Map();
      }
      return segment;
    },
  };
}

/** Sorts the occurrences by term, which they keep their order in, and packs them. */
function toBlocks(log: Uint32Array, terms: readonly string[]): Pick<Segment, "blocks" | "vocabulary"> {
  const starts = new Uint32Array(terms.length + 1);
  for (let at = 0; at < log.length; at += 3) (starts[(log[at] as number) + 1] as number)++;
  const used: number[] = [];
  for (let id = 0; id < terms.length; id++) if ((starts[id + 1] as number) > 0) used.push(id);
  for (let id = 0; id < terms.length; id++) starts[id + 1] = (starts[id + 1] as number) + (starts[id] as number);
  const sorted = new Uint32Array((log.length / 3) * 2);
  const next = starts.slice();
  for (let at = 0; at < log.length; at += 3) {
    const id = log[at] as number;
    const to = 2 * (next[id] as number);
    next[id] = (next[id] as number) + 1;
    sorted[to] = log[at + 1] as number;
    sorted[to + 1] = log[at + 2] as number;
  }
  used.sort((a, b) => ((terms[a] as string) < (terms[b] as string) ? -1 : 1));
  const blocks: TermBlock[] = [];
  const writer = new BlockWriter((block) => blocks.push(block));
  const postings = new ByteWriter(4_096);
  const positions = new ByteWriter(4_096);
  for (const id of used) {
    let count = 0;
    let before = 0;
    const end = 2 * (starts[id + 1] as number);
    for (let at = 2 * (starts[id] as number); at < end; ) {
      const passage = sorted[at] as number;
      let times = 0;
      let place = 0;
      for (; at < end && sorted[at] === passage; at += 2) {
        positions.number((sorted[at + 1] as number) - place);
        place = sorted[at + 1] as number;
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
  return { blocks, vocabulary: toVocabulary(used.map((id) => terms[id] as string)) };
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
