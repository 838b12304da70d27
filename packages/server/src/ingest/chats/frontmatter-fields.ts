/** The fields of a note's frontmatter as texts, a list as its items. Lenient: a title that YAML would refuse is read as it stands. */
export function readFields(text: string): ReadonlyMap<string, readonly string[]> {
  const fields = new Map<string, string[]>();
  const block = /^\uFEFF?---[ \t]*\r?\n([\s\S]{0,65536}?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|$)/.exec(text)?.[1];
  let key = "";
  for (const line of block?.split(/\r?\n/) ?? []) {
    const item = /^\s*-\s+(.*)$/.exec(line)?.[1];
    const field = /^([\w-]+):(?:\s+(.*))?$/.exec(line);
    if (field) {
      key = field[1]?.toLowerCase() ?? "";
      fields.set(key, toValues(field[2] ?? ""));
    } else if (item !== undefined && key !== "") fields.get(key)?.push(...toValues(item));
  }
  return fields;
}

function toValues(written: string): string[] {
  const text = written.trim();
  if (!/^\[(?!\[).*\]$/.test(text)) return text === "" || text === "null" ? [] : [unquote(text)];
  const items = text.slice(1, -1).match(/"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^,]+/g) ?? [];
  return items.map((item) => unquote(item.trim())).filter((item) => item !== "");
}

function unquote(text: string): string {
  if (/^'.*'$/.test(text)) return text.slice(1, -1).replaceAll("''", "'");
  if (!/^".*"$/.test(text)) return text.replace(/\s#\s.*$/, "").trim();
  try {
    return String(JSON.parse(text));
  } catch {
    return text.slice(1, -1);
  }
}
