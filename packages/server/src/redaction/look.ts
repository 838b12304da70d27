/** What a token is made of: counted once, asked by several rules. */
export interface Look {
  readonly length: number;
  readonly digits: number;
  readonly uppers: number;
  readonly lowers: number;
  /** How often the class (digit, upper, lower) changes from one letter or digit to the next. */
  readonly turns: number;
  readonly distinct: number;
}

const seen = new Uint8Array(128);

export function lookAt(text: string): Look {
  seen.fill(0);
  let [digits, uppers, lowers, turns, distinct, last] = [0, 0, 0, 0, 0, 0];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 128 && seen[code] === 0) {
      seen[code] = 1;
      distinct++;
    }
    let kind = 0;
    if (code >= 48 && code <= 57) {
      digits++;
      kind = 1;
    } else if (code >= 65 && code <= 90) {
      uppers++;
      kind = 2;
    } else if (code >= 97 && code <= 122) {
      lowers++;
      kind = 3;
    } else continue;
    // A capital that opens a word is writing, not chance.
    if (last !== 0 && kind !== last && !(last === 2 && kind === 3)) turns++;
    last = kind;
  }
  return { length: text.length, digits, uppers, lowers, turns, distinct };
}

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const hex = /^(?:0x)?[0-9a-f]+$/i;
const ulid = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i;

export const isUuid = (text: string): boolean => uuid.test(text);
export const isHex = (text: string): boolean => hex.test(text);
export const isUlid = (text: string): boolean => text.length === 26 && ulid.test(text);

/** Whether a token looks drawn by chance: letters and digits mixed as no writer would mix them. */
export function isRandom({ length, digits, uppers, lowers, turns, distinct }: Look): boolean {
  if (digits < 2 || uppers + lowers < 2 || distinct < Math.min(8, length / 2)) return false;
  return turns >= length * (uppers > 0 && lowers > 0 ? 0.26 : 0.2);
}

const filler =
  /^(?:[x*.#_\-0]{3,}|null|nil|none|true|false|undefined|string|number|boolean|object|any|unknown|void|changeme|change[_-]?me|placeholder|redacted|hidden|masked|removed|secret|password|passwd|token|value|key|required|optional|test(?:ing)?|example|dummy|sample|todo|tbd|n\/a|foo|bar|baz|default|env|self|this)$/i;
const stands =
  /^(?:\$|%[({A-Za-z]|\{|\[|<|@|&|#\{|\\\$|`)|^(?:your|my|the|an?|some|insert|enter|replace|example|dummy|fake|sample|placeholder)[_\- ]|(?:^|[_\- ])(?:fake|dummy|placeholder|example|redacted|changeme|here)(?:$|[_\- ])|^(?:process|os|import|env|config|settings|options|opts|args|params|props|req|res|request|response|ctx|this|self|vars?|secrets?|data|local|module|input|credentials?|creds)[.[]|xxxx|\*\*\*|\.\.\.|\u2026/i;

/** Whether a value only stands where a secret would: a variable, a placeholder, a row of x. */
export function isPlaceholder(value: string): boolean {
  return filler.test(value) || stands.test(value) || (value.length > 4 && lookAt(value).distinct <= 2);
}
