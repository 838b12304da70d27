import { traits } from "./page.ts";

/** Called with the place of a literal that was found. */
export type Trigger<S> = (scan: S, start: number, end: number) => void;

interface Entry<S> {
  readonly literal: Uint8Array;
  /** How many bytes of the literal lie before the last byte of its gram. */
  readonly before: number;
  readonly exact: boolean;
  readonly trigger: Trigger<S>;
}

const bits = 16;
const multiplier = 0x9e3779b1;
/** Folded: what may follow a sign. */
const anything = " !\"#$%&'()*+,-./0123456789:;<=>?@[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";
const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789_-";

/**
 * Finds many literals in one pass: a window of four bytes, folded to lower case, is hashed into a small table at every byte; only where
 * the table says so is anything compared. The cost of clean text does not depend on how many literals there are.
 */
export class GramIndex<S> {
  readonly table = new Uint8Array(1 << bits);
  readonly #entries = new Map<number, Entry<S>[]>();

  /** `exact` compares with case. A literal of three characters is found before a letter, a digit, `_` or `-`. */
  add(literal: string | Uint8Array, trigger: Trigger<S>, exact = true): void {
    const bytes = typeof literal === "string" ? Uint8Array.from(literal, (c) => c.charCodeAt(0)) : literal;
    if (bytes.length >= 4) {
      this.#put(gramOf(bytes, 0), { literal: bytes, before: 3, exact, trigger });
      return;
    }
    for (const after of bytes.at(-1) === 0x20 || /[^A-Za-z0-9]$/.test(String.fromCharCode(...bytes))
      ? anything
      : alphabet) {
      const longer = Uint8Array.of(...bytes, after.charCodeAt(0));
      this.#put(gramOf(longer, 0), { literal: bytes, before: 3, exact, trigger });
    }
  }

  /** Three characters, found after any of `before` (a NUL stands for the text's start). */
  addAfter(literal: string, before: string, trigger: Trigger<S>): void {
    const bytes = Uint8Array.from(literal, (c) => c.charCodeAt(0));
    for (const character of before) {
      this.#put(gramOf(Uint8Array.of(character.charCodeAt(0), ...bytes), 0), {
        literal: bytes,
        before: 2,
        exact: false,
        trigger,
      });
    }
  }

  /** Calls the triggers of every literal whose gram ends at `at`. */
  hit(scan: S, page: { readonly bytes: Uint8Array; readonly length: number }, gram: number, at: number): void {
    const entries = this.#entries.get(gram);
    if (!entries) return;
    for (const { literal, before, exact, trigger } of entries) {
      const start = at - before;
      const end = start + literal.length;
      if (end <= page.length && matches(page.bytes, start, literal, exact)) trigger(scan, start, end);
    }
  }

  #put(gram: number, entry: Entry<S>): void {
    this.table[slotOf(gram)] = 1;
    const entries = this.#entries.get(gram);
    if (entries) entries.push(entry);
    else this.#entries.set(gram, [entry]);
  }
}

/** Where a gram stands in the table. The scan repeats this line, since calls cost more than what they do there. */
export const slotOf = (gram: number): number => Math.imul(gram, multiplier) >>> (32 - bits);

function gramOf(bytes: Uint8Array, at: number): number {
  let gram = 0;
  for (let i = at; i < at + 4; i++) gram = (gram << 8) | ((traits[bytes[i] ?? 0] ?? 0) & 0xff);
  return gram;
}

function matches(bytes: Uint8Array, start: number, literal: Uint8Array, exact: boolean): boolean {
  for (let i = 0; i < literal.length; i++) {
    const is = bytes[start + i] ?? 0;
    const wanted = literal[i] ?? 0;
    if (is !== wanted && (exact || ((traits[is] ?? 0) & 0xff) !== ((traits[wanted] ?? 0) & 0xff))) return false;
  }
  return true;
}
