const marker = /\ue200([^\ue200\ue201\n]*)(?:\ue201|(?=\n)|$)/g;
const stray = /[\ue200-\ue2ff]/g;
/** What an argument of a marker refers to: `turn0search3`, lines `L1-L2`, numbers. */
const reference = /^(turn\d+\w*|L\d+(-L?\d+)?|[\d,:.-]*)$/;
const source = /【\d+(?::\d+)?†([^】\n]{0,200})】/g;

/**
 * A reply without the marks of the page that showed it: citations give way to what the page wrote in their place (`shownAs`, by the marker's
 * text), names and links that stand in a marker stay.
 */
export function cleanCitations(text: string, shownAs: ReadonlyMap<string, string> = new Map()): string {
  let clean = text;
  if (/[\ue200-\ue2ff]/.test(clean)) {
    clean = clean
      .replace(marker, (whole, inside: string) => shownAs.get(whole) ?? spokenPart(inside))
      .replace(stray, "");
  }
  if (clean.includes("†")) {
    clean = clean.replace(source, (_, name: string) => (name === "" || name === "source" ? "" : `[${name}]`));
  }
  return clean;
}

function spokenPart(inside: string): string {
  const [kind = "", ...values] = inside.split("\ue202");
  // Without a separator it is no marker but text between two stray marks.
  if (values.length === 0) return kind;
  if (kind === "cite" || kind === "filecite") return "";
  return values
    .filter((value) => !reference.test(value))
    .map((value) => spokenArgument(kind, value))
    .filter((value) => value !== "")
    .join(" ");
}

function spokenArgument(kind: string, value: string): string {
  if (!/^[[{]/.test(value)) return value;
  try {
    const parsed: unknown = JSON.parse(value);
    if (Array.isArray(parsed)) return String((kind === "entity" ? parsed[1] : undefined) ?? parsed.join(", "));
    const held = Object.values(parsed as object).flat();
    return held.filter((item) => typeof item === "string").join(", ");
  } catch {
    return "";
  }
}
