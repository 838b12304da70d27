import type { TermBlock } from "../../stores/store.ts";
import { ByteReader, ByteWriter } from "./varint.ts";

/** What one block holds of one term. `count` is the number of passages. */
export interface TermEntry {
  readonly term: string;
  readonly count: number;
  /** Of each passage: how far it is from the one before, and how often the term stands in it. */
  readonly postings: Uint8Array;
  /** Of each passage in turn: how far each occurrence is from the one before. */
  readonly positions: Uint8Array;
}

/** A block ends once it has so many bytes of postings; a common term fills one alone. */
const enough = 8_192;

const encoder = new TextEncoder();

function writeName(into: ByteWriter, term: string): void {
  const { length } = term;
  into.reserve(length + 5);
  const from = into.size;
  into.number(length);
  for (let at = 0; at < length; at++) {
    const unit = term.charCodeAt(at);
    if (unit > 127) {
      const name = encoder.encode(term);
      into.size = from;
      into.number(name.length);
      into.raw(name);
      return;
    }
    into.bytes[into.size++] = unit;
  }
}

/** Packs terms, given in order, into blocks. */
export class BlockWriter {
  readonly #emit: (block: TermBlock) => void;
  readonly #postings = new ByteWriter();
  readonly #positions = new ByteWriter();
  #first: string | undefined;

  constructor(emit: (block: TermBlock) => void) {
    this.#emit = emit;
  }

  add({ term, count, postings, positions }: TermEntry): void {
    this.#first ??= term;
    const into = this.#postings;
    writeName(into, term);
    into.number(count);
    into.number(postings.length);
    into.number(positions.length);
    into.raw(postings);
    this.#positions.raw(positions);
    if (into.size >= enough) this.flush();
  }

  flush(): void {
    if (this.#first === undefined) return;
    this.#emit({ first: this.#first, postings: this.#postings.take(), positions: this.#positions.take() });
    this.#first = undefined;
  }
}

/** The terms of a block in order. Without `positions` theirs are empty. */
export function* entriesOf(postings: Uint8Array, positions?: Uint8Array): Generator<TermEntry> {
  const reader = new ByteReader(postings);
  const buffer = Buffer.from(postings.buffer, postings.byteOffset, postings.byteLength);
  let place = 0;
  while (reader.at < postings.length) {
    const length = reader.number();
    const term = buffer.toString("utf8", reader.at, reader.at + length);
    reader.at += length;
    const count = reader.number();
    const size = reader.number();
    const span = reader.number();
    yield {
      term,
      count,
      postings: postings.subarray(reader.at, reader.at + size),
      positions: positions ? positions.subarray(place, place + span) : none,
    };
    reader.at += size;
    place += span;
  }
}

const none = new Uint8Array(0);

/** What a block holds of a term. */
export function findEntry(term: string, postings: Uint8Array, positions?: Uint8Array): TermEntry | undefined {
  const wanted = encoder.encode(term);
  const reader = new ByteReader(postings);
  let place = 0;
  while (reader.at < postings.length) {
    const length = reader.number();
    const start = reader.at;
    reader.at += length;
    const count = reader.number();
    const size = reader.number();
    const span = reader.number();
    if (length === wanted.length && isAt(postings, start, wanted)) {
      const found = postings.subarray(reader.at, reader.at + size);
      return { term, count, postings: found, positions: positions ? positions.subarray(place, place + span) : none };
    }
    reader.at += size;
    place += span;
  }
  return undefined;
}

function isAt(bytes: Uint8Array, start: number, wanted: Uint8Array): boolean {
  for (let at = 0; at < wanted.length; at++) if (bytes[start + at] !== wanted[at]) return false;
  return true;
}

/** Which of the blocks may hold a term, by their first terms; -1 when none. */
export function blockOf(firsts: readonly string[], term: string): number {
  let low = 0;
  let high = firsts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((firsts[middle] as string) <= term) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
