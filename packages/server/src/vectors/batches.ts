export interface BatchLimits {
  /** Texts, and characters (UTF-16 units) of all of them, in one request. */
  readonly texts: number;
  readonly characters: number;
}

/** Cuts a list into batches, in order. A text that is too long for any batch has one of its own. */
export function toBatches(texts: readonly string[], limits: BatchLimits): readonly (readonly string[])[] {
  const batches: string[][] = [];
  let characters = 0;
  for (const text of texts) {
    const last = batches.at(-1);
    if (last && last.length < limits.texts && characters + text.length <= limits.characters) {
      last.push(text);
      characters += text.length;
    } else {
      batches.push([text]);
      characters = text.length;
    }
  }
  return batches;
}

/** The beginning of a text, without half a character at its end. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const code = text.charCodeAt(most - 1);
  return text.slice(0, code >= 0xd800 && code <= 0xdbff ? most - 1 : most);
}
