export type Json = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A field as an object, empty when it is none. */
export const objectOf = (value: unknown): Json => (isObject(value) ? value : {});
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const stringOf = (value: unknown): string => (typeof value === "string" ? value : "");
/** The first field that holds a text that is not blank. */
export const firstText = (...values: readonly unknown[]): string | undefined =>
  values.find((value): value is string => typeof value === "string" && value.trim() !== "")?.trim();

const deepest = 40;
/** Fields that say what a value is or where it lies, not what it says. */
const unspoken =
  /^(content_type|type|id|uuid|.*_u?u?id|.*Id|mime_?type|media_type|signature|.*_pointer|fovea|width|height|size_bytes|version|status|encrypted.*)$/;
/** Fields whose text stands without their name. */
const plain =
  /^(text|content|contents|result|results|summary|parts|output|body|message|value|prompt|snippet|code|context|thoughts)$/;

/** Whatever text a value of unknown form holds, one field a line, longer ones as paragraphs. */
export function toProse(value: unknown): string {
  const lines: string[] = [];
  walk(value, "", 0, lines);
  return lines.join("\n").trim();
}

function walk(value: unknown, key: string, depth: number, lines: string[]): void {
  if (depth > deepest || unspoken.test(key)) return;
  if (typeof value === "string") {
    const text = value.trim();
    if (text === "" || isBinary(text)) return;
    const inner = parseObject(text);
    if (inner !== undefined) walk(inner, "", depth + 1, lines);
    else if (key === "" || plain.test(key)) lines.push(text.includes("\n") ? `\n${text}\n` : text);
    else lines.push(text.includes("\n") ? `\n${key}:\n${text}\n` : `${key}: ${text}`);
  } else if (typeof value === "number" || typeof value === "boolean") {
    if (key !== "") lines.push(`${key}: ${value}`);
  } else if (Array.isArray(value)) {
    for (const item of value) walk(item, key, depth + 1, lines);
  } else if (isObject(value)) {
    for (const [name, item] of Object.entries(value)) walk(item, name, depth + 1, lines);
  }
}

/** The object or list that a text writes in JSON, when that is all it does. */
export function parseObject(text: string): unknown {
  const trimmed = text.trim();
  const braces =
    (trimmed.startsWith("{") && trimmed.endsWith("}")) || (trimmed.startsWith("[") && trimmed.endsWith("]"));
  if (!braces || trimmed.length > 1 << 20) return undefined;
  try {
    return JSON.parse(trimmed);
  } catch {
    return undefined;
  }
}

/** A picture or the like, written in base64. */
const isBinary = (text: string): boolean =>
  text.length > 300 && /^(data:[^,]{0,100},)?[A-Za-z0-9+/_-]+={0,2}$/.test(text);

/** A text as a fenced block that nothing in it ends. */
export function fenced(text: string, language = ""): string {
  let ticks = 3;
  for (const [run] of text.matchAll(/`{3,}/g)) ticks = Math.max(ticks, run.length + 1);
  const fence = "`".repeat(ticks);
  return `${fence}${/^[\w+#.-]{1,20}$/.test(language) && language !== "unknown" ? language : ""}\n${text.replace(/\n+$/, "")}\n${fence}`;
}
