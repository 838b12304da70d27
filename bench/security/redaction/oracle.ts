/** How long a run of a secret's characters counts as leaked. */
const run = 8;
const deepest = 4;

/** Whether eight characters of a secret in a row can be read from a message, in any string or key of it, however it is decoded. */
export function leaks(message: unknown, secret: string, scaffold = ""): boolean {
  const texts: string[] = [];
  collect(message, texts);
  texts.push(texts.join(""));
  const runs = new Set<string>();
  for (let at = 0; at + run <= secret.length; at++) {
    const part = secret.slice(at, at + run);
    if (!scaffold.includes(part)) runs.add(part);
  }
  const seen = new Set<string>();
  return texts.some((text) => holds(text, runs, { seen, depth: 0 }));
}

function collect(value: unknown, into: string[]): void {
  if (typeof value === "string") into.push(value);
  else if (Array.isArray(value)) for (const item of value) collect(item, into);
  else if (typeof value === "object" && value !== null)
    for (const [key, inner] of Object.entries(value)) {
      into.push(key);
      collect(inner, into);
    }
}

interface Way {
  readonly seen: Set<string>;
  readonly depth: number;
}

function holds(text: string, runs: ReadonlySet<string>, { seen, depth }: Way): boolean {
  if (seen.has(text)) return false;
  seen.add(text);
  for (const part of runs) if (text.includes(part)) return true;
  return depth < deepest && views(text).some((view) => holds(view, runs, { seen, depth: depth + 1 }));
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
const code = (digits: string, base: number): string => {
  const point = Number.parseInt(digits, base);
  return point <= 0x10ffff ? String.fromCodePoint(point) : "";
};

/** A text as it reads after each of the ways to undo what hides something. */
function views(text: string): readonly string[] {
  const all = [
    text.replace(/(?:%[0-9a-f]{2})+/gi, (bytes) => Buffer.from(bytes.replaceAll("%", ""), "hex").toString("latin1")),
    text.replace(/\\u([0-9a-f]{4})/gi, (_, hex: string) => code(hex, 16)).replace(/\\([/"'\\])/g, "$1"),
    text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|([a-z]+));/gi, (whole, hex?: string, dec?: string, name?: string) =>
      hex ? code(hex, 16) : dec ? code(dec, 10) : (entities[name ?? ""] ?? whole),
    ),
    // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal colours begin with one
    text.replace(/[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]|\u001b\[[0-9;]*[A-Za-z]/g, ""),
    text.replace(/=\r?\n|<\/?[a-z]+>/gi, ""),
    text.replace(/\r?\n[ +>-]*/g, ""),
  ];
  for (const [hex] of text.matchAll(/[0-9a-f]{16,}/gi)) all.push(Buffer.from(hex, "hex").toString("latin1"));
  for (const [token] of text.replace(/\s/g, "").matchAll(/[\w+/-]{11,}/g))
    for (let shift = 0; shift < 4; shift++) all.push(Buffer.from(token.slice(shift), "base64").toString("latin1"));
  return all.filter((view) => view !== text && view.length >= run);
}
