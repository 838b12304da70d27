import { isHex, isPlaceholder, isRandom, isUlid, isUuid, lookAt } from "./look.ts";
import { judgeName } from "./names.ts";
import { isMask, type Span } from "./spans.ts";

/** The words by which an assignment's name is found; the whole name is judged then. */
export const keyword =
  /passw|passp|passc|pwd|secret|token|api[_-]?key|key|auth|cred|pass|bearer|basic|cookie|dsn|webhook|hooks|jwt|bot|salt|pat\b|sig\b|pin\b|otp|hmac/gi;

const isNamePart = (code: number): boolean =>
  (code >= 48 && code <= 57) ||
  (code >= 65 && code <= 90) ||
  (code >= 97 && code <= 122) ||
  code === 95 ||
  code === 45 ||
  code === 46 ||
  code === 36;

/** Between a name and its value: what closes the name, the sign, and what opens the value. */
const between =
  /(?<close>\\{0,2}["'`]|["'`]?\]|["'`]\)|>)?(?:\s{0,6}\([^()\n]{0,30}\)|:?\s{1,2}(?:string|str|String)\b)?(?<sign>\s{1,4}value\s{0,2}=\s{0,2}(?=["'])|\s{0,6}(?::{1,3}=|\|\|=|\?\?=|\?=|\.=|\+=|=>|->|===?|!==?|=|:{1,3}|,|\|{1,2})(?:\s{0,12}(?=\\{0,2}["'`])|[ \t]{0,12}(?:\|[-+]?\n\s{1,12})?)|[ \t]{1,3}(?:is|was|are|equals|to)[ \t]{1,3}(?:now )?|(?<=>)\s{0,12}|[ \t]{1,4}(?=["'`]))(?:[brfu@]?(?<quote>\\{0,2}(?:"""|'''|["'`])))?(?:(?:bearer|basic|token|key|bot)\s{1,2})?/iy;
const bare = /[^\s"'`,;<>|)}\]\\]{1,600}/y;
const maxName = 64;
const maxValue = 600;

export interface Finder {
  add(span: Span): void;
  spend(units: number): void;
}

/** Reads the assignment around a keyword, and adds its value when name and value together make a secret of it. */
export function findAssignment(text: string, at: number, { add, spend }: Finder): number {
  let start = at;
  while (start > 0 && at - start < maxName && isNamePart(text.charCodeAt(start - 1))) start--;
  let end = at;
  while (end < text.length && end - at < maxName && isNamePart(text.charCodeAt(end))) end++;
  let name = text.slice(start, end);
  const kind = judgeName(name.replace(/[.]+$/, ""));
  if (kind === "plain" || kind === "quiet") return end;
  // `token:` ends in no name part, but `key.` and `secret-` of prose do.
  while (/[.-]$/.test(name)) {
    name = name.slice(0, -1);
    end--;
  }
  between.lastIndex = end;
  const found = between.exec(text);
  if (!found) return end;
  const from = between.lastIndex;
  const sign = (found.groups?.sign ?? "").trim();
  const quote = found.groups?.quote;
  let to: number;
  if (quote) {
    to = endOfQuote(text, from, quote);
  } else {
    bare.lastIndex = from;
    if (!bare.test(text)) return end;
    to = bare.lastIndex;
  }
  const value = text.slice(from, to);
  spend((value.length + end - start) * 3);
  const tight = from - end === sign.length + (quote?.length ?? 0);
  if (
    isSecretValue({
      value,
      quoted: quote !== undefined,
      sign,
      tight,
      sure: kind === "secret",
      name,
      closed: found.groups?.close !== undefined,
    })
  ) {
    add({ start: from, end: to, kind: kindOf(name) });
    return to;
  }
  return end;
}

function endOfQuote(text: string, from: number, quote: string): number {
  const most = Math.min(text.length, from + maxValue);
  for (let at = from; at < most; at++) {
    if (text.charCodeAt(at) === 10 && quote.length < 3) return at;
    if (text.startsWith(quote, at)) return at;
    if (text.charCodeAt(at) === 92 && !quote.startsWith("\\")) at++;
  }
  return most;
}

interface Assigned {
  readonly value: string;
  readonly quoted: boolean;
  readonly sign: string;
  /** No space around the sign, as in an environment file. */
  readonly tight: boolean;
  /** The name can mean nothing but a secret. */
  readonly sure: boolean;
  readonly name: string;
  readonly closed: boolean;
}

const code =
  /^[A-Za-z_$][\w$]*(?:\??\.[A-Za-z_$][\w$]*)*[([]|^[A-Za-z_$][\w$]*(?:(?:\.|->|::)[A-Za-z_$][\w$]*)+;?$|^[/.~]{1,2}[\w/.-]+$|^https?:\/\/|=>|\(\)|^\/.*\/[gimsuy]*$/;
const wordy = /^[A-Za-z]+(?:[-_ .:/][A-Za-z]+)*[.:!?]?$/;
const camel = /^[a-z]+(?:[A-Z][a-z]+)*\d{0,2}$|^[A-Z][a-z]+(?:[A-Z][a-z]+)*\d{0,2}$|^[A-Z]+(?:_[A-Z]+)*\d?$/;
const password = /pass|pwd|(?:^|[^a-z])pw/i;

function isSecretValue({ value, quoted, sign, tight, sure, name, closed }: Assigned): boolean {
  if (value.length < 4 || isMask(value) || value.startsWith("[redacted:") || isPlaceholder(value)) return false;
  if (/^[!=]==?$/.test(sign) && !quoted) return false;
  const look = lookAt(value);
  const letters = look.uppers + look.lowers;
  if (look.distinct < 3) return false;
  const strong = isStrong(value);
  if (password.test(name)) {
    if (code.test(value) && !quoted) return false;
    if (/\s/.test(value))
      return (
        quoted &&
        /^[=:]/.test(sign) &&
        look.digits > 0 &&
        look.length < 64 &&
        !/[.!?]$|\$\{/.test(value) &&
        /[^\w\s]/.test(value)
      );
    const special = /[^A-Za-z0-9_.,:;'"()-]/.test(value);
    if (/^(?:is|was|are|to|equals)$/.test(sign)) return look.length >= 6 && (look.digits > 0 || special) && letters > 1;
    if (sign === "," || sign.startsWith("|") || sign === "") return strong;
    if (look.digits > 0 && (letters > 1 || special))
      return look.length >= 6 && !/^[\d.]+(?:px|em|rem|%|ms|s)?$/.test(value);
    if (special && letters > 2 && !/[<>{}\\$()|*?[\]]/.test(value)) return look.length >= 6;
    if (quoted) return sure && sign !== ":" && !wordy.test(value) && !/[<>{}\\$()|]/.test(value);
    return (
      /^[A-Z0-9_]+$/.test(name) &&
      name.includes("_") &&
      tight &&
      sign === "=" &&
      look.length >= 5 &&
      !/[$<>{}]/.test(value) &&
      !camel.test(value)
    );
  }
  if (/\s/.test(value) || code.test(value)) return false;
  if (sign === "," && !quoted) return false;
  if (isUuid(value)) return true;
  if (isUlid(value)) return sure;
  if (isHex(value))
    return (
      look.length >= 16 &&
      look.digits > 1 &&
      (letters > 0 ? sure || look.length >= 20 : look.length >= 24 && look.distinct > 6)
    );
  if (strong) return true;
  if (sure && quoted && look.length >= 14 && look.digits > 2 && look.turns > 4 && !/\$\{|\(\)/.test(value)) return true;
  if (!sure || wordy.test(value) || camel.test(value)) return false;
  return (
    look.length >= 10 &&
    look.digits >= 2 &&
    letters > 3 &&
    look.turns >= 3 &&
    !/[(){}<>$]/.test(value) &&
    (quoted || tight || sign === "=" || sign === ":" || closed)
  );
}

/** Long enough and mixed enough to be a key, whatever its provider. */
function isStrong(value: string): boolean {
  const look = lookAt(value);
  if (look.length < 12 || /[(){}<>$\s]/.test(value)) return false;
  if (look.length >= 16 && /^[A-Za-z0-9+/_=.~-]+$/.test(value) && look.digits >= 2 && look.turns >= look.length * 0.15)
    return true;
  return (
    isRandom(look) ||
    (look.length >= 30 && look.uppers > 4 && look.lowers > 4 && look.distinct > 16 && !wordy.test(value))
  );
}

function kindOf(name: string): string {
  if (password.test(name)) return "password";
  if (/cookie/i.test(name)) return "cookie";
  if (/authorization/i.test(name)) return "authorization";
  if (/token|jwt|bearer/i.test(name)) return "token";
  return /key/i.test(name) ? "api-key" : "secret";
}
