import { createPace } from "../../search/pace.ts";

/** `[start, end)` in bytes of a text's UTF-8. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const stepSize = 65_536;
/** A longer text is not looked through: that takes a tenth of a second for each two million characters. */
const longest = 2_000_000;

/**
 * Where a passage stands in a text; undefined unless it stands there, to the letter, exactly once. Knuth, Morris and Pratt's search: `indexOf`
 * takes the product of both lengths on texts that repeat themselves, which is a minute for a document of a few megabytes.
 */
export async function locate(text: string, passage: string): Promise<Span | undefined> {
  if (passage === "" || passage.length > text.length || text.length > longest) return undefined;
  if (!passage.isWellFormed() || !text.isWellFormed()) return undefined;
  const pace = createPace();
  const borders = toBorders(passage);
  let at: number | undefined;
  for (let index = 0, matched = 0; index < text.length; index++) {
    if (index % stepSize === 0) await pace();
    matched = extend({ passage, borders, matched, unit: text.charCodeAt(index) });
    if (matched < passage.length) continue;
    if (at !== undefined) return undefined;
    at = index - passage.length + 1;
  }
  if (at === undefined) return undefined;
  const start = Buffer.byteLength(text.slice(0, at));
  return { start, end: start + Buffer.byteLength(passage) };
}

/** For each prefix, the length of the longest shorter prefix that also ends it. */
function toBorders(passage: string): Uint32Array {
  const borders = new Uint32Array(passage.length);
  for (let index = 1, matched = 0; index < passage.length; index++) {
    matched = extend({ passage, borders, matched, unit: passage.charCodeAt(index) });
    borders[index] = matched;
  }
  return borders;
}

interface Matching {
  readonly passage: string;
  readonly borders: Uint32Array;
  readonly matched: number;
  readonly unit: number;
}

function extend({ passage, borders, matched, unit }: Matching): number {
  let length = matched;
  // Beyond the passage's end charCodeAt is NaN, which equals nothing: a whole match falls back like any other.
  while (length > 0 && passage.charCodeAt(length) !== unit) length = borders[length - 1] ?? 0;
  return passage.charCodeAt(length) === unit ? length + 1 : 0;
}

export interface TextCache {
  get(id: string): string | undefined;
  set(id: string, text: string): void;
}

/** Keeps the texts that were used last, up to `most` characters together. */
export function createTextCache(most: number): TextCache {
  const texts = new Map<string, string>();
  let size = 0;
  const drop = (id: string): void => {
    size -= texts.get(id)?.length ?? 0;
    texts.delete(id);
  };
  return {
    get(id) {
      const text = texts.get(id);
      if (text === undefined) return undefined;
      texts.delete(id);
      texts.set(id, text);
      return text;
    },
    set(id, text) {
      drop(id);
      if (text.length > most) return;
      texts.set(id, text);
      size += text.length;
      for (const oldest of texts.keys()) {
        if (size <= most) return;
        drop(oldest);
      }
    },
  };
}
