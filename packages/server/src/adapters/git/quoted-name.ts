import { isUtf8 } from "node:buffer";

const letters: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, '"': 34, "\\": 92 };

/**
 * A name that git has quoted (core.quotePath in git-config(1)), beginning at `at`, and where it ends. The name is undefined when its bytes are no
 * UTF-8; all is undefined when this is no quoted name.
 */
export function readQuoted(
  text: string,
  at: number,
): { readonly name: string | undefined; readonly end: number } | undefined {
  if (text[at] !== '"') return undefined;
  const bytes: number[] = [];
  for (let index = at + 1; index < text.length; index++) {
    const letter = text[index] ?? "";
    if (letter === '"') {
      const name = Buffer.from(bytes);
      return { name: isUtf8(name) ? name.toString("utf8") : undefined, end: index + 1 };
    }
    if (letter !== "\\") {
      bytes.push(...Buffer.from(letter));
      continue;
    }
    const octal = /^[0-3][0-7]{2}/.exec(text.slice(index + 1, index + 4))?.[0];
    const escaped = letters[text[index + 1] ?? ""];
    if (octal === undefined && escaped === undefined) return undefined;
    bytes.push(octal === undefined ? (escaped as number) : Number.parseInt(octal, 8));
    index += octal === undefined ? 1 : 3;
  }
  return undefined;
}

/** A name that stands alone, quoted or not. */
export function readName(text: string): string | undefined {
  if (!text.startsWith('"')) return text;
  const quoted = readQuoted(text, 0);
  return quoted?.end === text.length ? quoted.name : undefined;
}
