import { isUnseen } from "./scan-tokens.ts";

/** A text as it would be read once decoded, and where each part of it stood. */
export interface View {
  readonly text: string;
  /** The stretch of the original that holds the view's stretch, covering whole encoded units. */
  locate(start: number, end: number): readonly [number, number];
}

// Made from strings, as control characters and combining marks are just what it looks for.
const unit = new RegExp(
  [
    String.raw`\\u(?:[0-9a-f]{4}|\{[0-9a-f]{1,6}\})`,
    String.raw`\\x[0-9a-f]{2}`,
    String.raw`\\["'\\/nrtbf]`,
    "(?:%[0-9a-f]{2})+",
    String.raw`&#(?:\d{1,7}|x[0-9a-f]{1,6});?`,
    "&(?:amp|lt|gt|quot|apos|nbsp|shy|zwnj|zwj|colon|equals|lowbar|hyphen|period|sol|plus|commat);",
    String.raw`<\/?(?:em|b|i|u|s|mark|strong|span|wbr|font|code|hl|hlt|highlight|match|a|kbd|sub|sup|tt)(?:\s[^<>]{0,80})?\/?>`,
    String.raw`\x1b(?:\[[0-9;?]{0,32}[A-Za-z]|\][^\x07\x1b]{0,120}(?:\x07|\x1b\\)|[()][A-B0-2]|[=>78cM])`,
    String.raw`=\r?\n`,
    String.raw`[\x00\x08\x1b\x80-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\ufe00-\ufe0f\uffa0\ufff9-\ufffb]`,
    String.raw`\udb40[\udc00-\udfff]`,
    String.raw`[\uff01-\uff5e]`,
  ].join("|"),
  "gi",
);

const named: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
  shy: "",
  zwnj: "",
  zwj: "",
  colon: ":",
  equals: "=",
  lowbar: "_",
  hyphen: "-",
  period: ".",
  sol: "/",
  plus: "+",
  commat: "@",
};
const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "", f: "" };

const toCharacter = (code: number): string => {
  if (!(code <= 0x10ffff)) return "";
  return code < 128 || !isUnseen(code) ? String.fromCodePoint(code) : "";
};

function decodeUnit(found: string): string {
  const [first = "", second = ""] = found;
  if (first === "\\") {
    if (second === "u" || second === "U" || second === "x" || second === "X")
      return found.length > 2 ? toCharacter(Number.parseInt(found.replace(/^..\{?/, ""), 16)) : found;
    return escapes[second.toLowerCase()] ?? second;
  }
  if (first === "%") return Buffer.from(found.replaceAll("%", ""), "hex").toString("utf8");
  if (first === "&") {
    if (second !== "#") return named[found.slice(1, -1).toLowerCase()] ?? found;
    const digits = found.slice(2).replace(";", "");
    return toCharacter(/^x/i.test(digits) ? Number.parseInt(digits.slice(1), 16) : Number.parseInt(digits, 10));
  }
  const code = found.charCodeAt(0);
  return code >= 0xff01 && code <= 0xff5e ? String.fromCharCode(code - 0xfee0) : "";
}

/**
 * One layer off: string escapes, percent, entities, inline tags, terminal colours, soft line breaks and characters that
 * are not seen. Undefined when there was none.
 */
export function decodeView(text: string, spend: () => void): View | undefined {
  const units: Unit[] = [];
  let out = "";
  let at = 0;
  for (const found of text.matchAll(unit)) {
    spend();
    const start = found.index;
    const end = start + found[0].length;
    out += text.slice(at, start);
    const viewStart = out.length;
    out += decodeUnit(found[0]);
    units.push({ viewStart, viewEnd: out.length, start, end });
    at = end;
  }
  if (units.length === 0) return undefined;
  return {
    text: out + text.slice(at),
    locate: (start, end) => [originOf(units, start)[0], originOf(units, Math.max(start, end - 1))[1]],
  };
}

interface Unit {
  readonly viewStart: number;
  readonly viewEnd: number;
  readonly start: number;
  readonly end: number;
}

/** Where the character of the view at `index` came from. */
function originOf(units: readonly Unit[], index: number): readonly [number, number] {
  let low = 0;
  let high = units.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((units[middle]?.viewStart ?? 0) <= index) low = middle + 1;
    else high = middle;
  }
  const last = units[low - 1];
  if (!last) return [index, index + 1];
  if (index < last.viewEnd) return [last.start, last.end];
  const at = last.end + index - last.viewEnd;
  return [at, at + 1];
}
