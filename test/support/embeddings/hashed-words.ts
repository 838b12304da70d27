import { hash } from "node:crypto";

/**
 * A vector of a text's words: each word and each three letters of it add to a place that a hash names. Texts with common words are near each other; it
 * knows nothing of meaning.
 */
export function hashWords(text: string, dimensions: number): number[] {
  const vector: number[] = new Array(dimensions).fill(0);
  const add = (feature: string, weight: number): void => {
    const bytes = hash("md5", feature, "buffer");
    const place = bytes.readUInt32LE(0) % dimensions;
    vector[place] = (vector[place] ?? 0) + ((bytes[4] ?? 0) & 1 ? weight : -weight);
  };
  for (const word of text
    .toLowerCase()
    .normalize("NFKC")
    .match(/[\p{L}\p{N}]+/gu) ?? []) {
    add(`word ${word}`, 1);
    const marked = `^${word}$`;
    for (let n = 0; n + 3 <= marked.length; n++) add(`part ${marked.slice(n, n + 3)}`, 0.4);
  }
  const length = Math.hypot(...vector);
  return length === 0 ? vector.with(0, 1) : vector.map((value) => value / length);
}
