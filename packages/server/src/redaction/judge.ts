import { isPlaceholder } from "./placeholder.ts";
import type { NameWeight } from "./secret-names.ts";
import type { Shape } from "./token-shape.ts";

/** How a value was written: the looser the writing, the more the value itself has to show. */
export type Writing =
  /** `NAME=value` of an environment file or a shell. */
  | "environment"
  | "quoted"
  /** Without quotes after an operator: in code it is an expression, in YAML a value. */
  | "bare"
  /** The next word in a sentence. */
  | "beside"
  /** Only near the name: in a table's next cell, after «is», as a function's argument. */
  | "loose";

/** Whether a value has no rhyme: no run of letters that reads, and letters and digits that change places often. */
export function looksRandom(shape: Shape): boolean {
  const { length, digits, lowers, uppers, turns, distinct, hex, word } = shape;
  const letters = lowers + uppers;
  const solid = digits + letters;
  if (solid < 12 || solid < length * 0.7) return false;
  if (hex && letters > 0 && digits > 0) return length >= 16 && turns >= length * 0.2 && distinct >= 7;
  if (digits === 0) return length >= 20 && uppers >= 4 && lowers >= 4 && turns >= length * 0.2 && word < 8;
  return (
    digits >= 2 && letters >= 4 && distinct >= 9 && turns >= Math.max(3, solid * 0.17) && word < (length > 30 ? 14 : 9)
  );
}

/** Whether letters, digits and signs mix as in a made-up password or token, and not as in `utf8` or `version-2`. */
function isMixed({ length, digits, lowers, uppers, turns, word, distinct }: Shape): boolean {
  const letters = lowers + uppers;
  if (digits >= 10 && letters === 0 && distinct >= 5) return true;
  if (digits === 0) return uppers >= 3 && lowers >= 3 && turns >= 3 && word < 5;
  if (letters === 0 || distinct < 5) return false;
  return turns >= 3 || (digits >= 4 && length >= 10) || (turns >= 2 && word < 6) || word < length / 3;
}

/** Whether signs stand among the letters as a generator strews them: many, of many kinds, and brackets that do not close as code's do. */
function isStrewn(value: string): boolean {
  if (value.length > 256) return false;
  const signs = value.match(/[!#$%^&*(){}[\]<>?@~|;+=]/g) ?? [];
  return signs.length >= 5 && new Set(signs).size >= 4 && !closesInOrder(value);
}

/** Whether hardly anything but signs stands there, each another: a list of operators has no letters. */
function isOfSigns(value: string): boolean {
  if (value.length > 64 || value.length < 9 || /\s/.test(value)) return false;
  const signs = value.match(/[^A-Za-z0-9]/g) ?? [];
  return signs.length >= value.length * 0.75 && signs.length < value.length && new Set(signs).size >= 8;
}

const opener: Readonly<Record<string, string>> = { ")": "(", "]": "[", "}": "{" };

function closesInOrder(value: string): boolean {
  const open: string[] = [];
  for (const character of value) {
    if (character === "(" || character === "[" || character === "{") open.push(character);
    else if (opener[character] !== undefined && open.pop() !== opener[character]) return false;
  }
  return open.length === 0;
}

const expression =
  /^[A-Za-z_$][\w$]*(\(|\[|\?\.|::|->|\.[A-Za-z_$])|^(new|await|typeof|function|async|return|yield|lambda)\b|=>|\(\)?$/;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const typed =
  /^(string|str|number|int|bool|boolean|any|unknown|object|array|null|nil|none|undefined|true|false|void|never|bytes?|char|text|varchar|uuid|buffer|function|symbol|date|required|optional|yes|no|on|off|enabled|disabled)\W*$/i;
/** Versions, addresses and quantities. */
const numbered = /^[~^v<>=]*\d+(?:\.\d+)+|-\d+(?:\.\d+)+|^\d+\s?[a-z]{1,4}$/i;

/** Whether a value under a name of this weight, written this way, is taken for a secret. */
export function isSecretValue(weight: NameWeight, value: string, how: { writing: Writing; shape: Shape }): boolean {
  const { writing, shape } = how;
  const { length } = value;
  if (isOfSigns(value)) return writing === "quoted" && (weight === "password" || weight === "secret");
  if (length < 4 || typed.test(value) || numbered.test(value) || isPlaceholder(value)) return false;
  if (shape.digits + shape.lowers + shape.uppers < 3) return false;
  const random = looksRandom(shape);
  if (weight === "mention")
    return random && length >= 16 && (!shape.hex || ((length === 32 || length === 64) && shape.uppers === 0));
  if (weight === "hint" && writing === "quoted" && isStrewn(value)) return true;
  if (weight === "hint") return (random && length >= 16 && !(shape.hex && length < 32)) || uuid.test(value);
  if (writing === "bare" && !random && expression.test(value)) return false;
  if (writing === "beside")
    return (
      weight === "password" && length >= 8 && isMixed(shape) && /[A-Z]|[^\w.,:;)-]/.test(value) && shape.digits > 0
    );
  const spaced = /\s/.test(value);
  if (weight === "password") {
    if (spaced) return writing === "quoted" && isMixed(shape) && /[^\w\s.,'-]/.test(value) && length < 64;
    if (writing === "quoted" || writing === "environment") return length >= 5 && !/^[/~.]/.test(value);
    return (
      random ||
      (length >= 6 &&
        !value.startsWith("-") &&
        (isMixed(shape) || isStrewn(value) || (shape.digits > 0 && shape.word < length)))
    );
  }
  if (spaced) return false;
  if (random || isStrewn(value)) return true;
  if (writing === "loose") return false;
  return length >= (writing === "bare" ? 10 : 8) && isMixed(shape) && !/^[/~.]|^https?:/.test(value);
}
