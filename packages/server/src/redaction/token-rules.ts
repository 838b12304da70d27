import { isHex, isPlaceholder, isRandom, isUlid, isUuid, lookAt } from "./look.ts";
import { mayBeProvider, providerOf } from "./provider-rules.ts";
import type { Span } from "./spans.ts";

/** `exact` asks for a known shape, `glued` for one with anything before it (in binary data); `chance` also takes what only looks drawn by chance. */
export type Strictness = "glued" | "exact" | "chance";

/** A run of token characters, and how it is judged. */
export interface Run {
  readonly start: number;
  readonly end: number;
  readonly strictness: Strictness;
  /** Counts work. */
  spend(units: number): void;
}

const tail = /[A-Za-z0-9_\-.~+/=:%#]{0,2000}/y;
const trimmed = /[.\-_~:%#/=]+$/;

/** Judges the run of token characters from `start` to `end`. True when it added a span. */
export function findToken(text: string, run: Run, add: (span: Span) => void): boolean {
  const { start, end, strictness, spend } = run;
  const glued = strictness === "glued";
  for (let at = start; at < end - 8; ) {
    if (mayBeProvider(text, at)) {
      const token = wholeToken(text, at, end);
      spend(40 + token.length);
      const kind = providerOf(token);
      if (kind !== undefined && !insideBase64(text, at)) {
        add({ start: at, end: at + token.length, kind });
        return true;
      }
    }
    // A key may be glued to what stands before it by a dash, a dot or a tilde: -OLD-ghp_..., v.ghp_....
    const next = glued ? at + 1 : nextPart(text, at, end);
    if (next === -1) break;
    at = next;
  }
  const shaped = shapedToken(text, start, end);
  if (shaped) {
    add(shaped);
    return true;
  }
  if (strictness !== "chance") return false;
  const chance = chanceToken(text, start, end);
  if (chance) add(chance);
  return chance !== undefined;
}

function nextPart(text: string, from: number, end: number): number {
  for (let at = from; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === 45 || code === 46 || code === 126 || code === 95) return at + 1;
  }
  return -1;
}

/** The token from `at`, with what may belong to it beyond the run: base64's padding, a colon's second half. */
function wholeToken(text: string, at: number, end: number): string {
  tail.lastIndex = at;
  const most = tail.exec(text)?.[0] ?? "";
  const inRun = end - at;
  const after = most.slice(inRun);
  const more = /^[+/=:%#][A-Za-z0-9+/=_\-.~%]{0,2000}/.exec(after)?.[0] ?? "";
  return most.slice(0, inRun) + (/^:\/\/|^:\d+(?:\D|$)|^\/\//.test(more) ? "" : more.replace(/[.:]+$/, ""));
}

/** A prefix in the midst of a long base64 text is chance. A path's segments are shorter, or hold what base64 does not. */
function insideBase64(text: string, at: number): boolean {
  if (text.charCodeAt(at - 1) !== 43 && text.charCodeAt(at - 1) !== 47) return false;
  const before = text.slice(Math.max(0, at - 24), at - 1);
  return /^[A-Za-z0-9+=]{16,}$/.test(before) && /\d/.test(before) && /[A-Z]/.test(before) && /[a-z]/.test(before);
}

const atlas = /^[A-Za-z0-9]{14}\.atlasv1\./;
const discord = /^[MNO][A-Za-z\d_-]{23,27}\.[\w-]{6}\.[\w-]{27,40}$/;
const azure = /(?:^|[^~])[a-zA-Z0-9_~.]{3}\dQ~[a-zA-Z0-9_~.-]{31,34}/;
const telegramTail = /^A[A-Za-z0-9_-]{33,35}$/;
const facebookTail = /^[\w-]{27}$/;

function shapedToken(text: string, start: number, end: number): Span | undefined {
  const length = end - start;
  if (length > 256) return undefined;
  const token = text.slice(start, end).replace(trimmed, "");
  if (atlas.test(token)) return { start, end: start + wholeToken(text, start, end).length, kind: "terraform-token" };
  if (discord.test(token)) return { start, end: start + token.length, kind: "discord-token" };
  if (azure.test(token)) return { start, end: start + token.length, kind: "azure-secret" };
  if (text.charCodeAt(start - 1) === 58 && telegramTail.test(token)) {
    const id =
      lookAt(token).digits > 1 && /(?<![A-Za-z0-9])\d{5,16}$/.exec(text.slice(Math.max(0, start - 17), start - 1));
    if (id) return { start: start - 1 - id[0].length, end: start + token.length, kind: "telegram-token" };
  }
  if (text.charCodeAt(start - 1) === 124 && facebookTail.test(token)) {
    const id = /\d{12,16}$/.exec(text.slice(Math.max(0, start - 17), start - 1));
    if (id) return { start: start - 1 - id[0].length, end: start + token.length, kind: "facebook-token" };
  }
  if (/^[0-9a-f]{32}-us\d{1,2}$/.test(token)) return { start, end: start + token.length, kind: "mailchimp-key" };
  return undefined;
}

const prefixed = /^(?:[A-Za-z]{2,12}[_-]){1,3}(?:v\d[_-])?([A-Za-z0-9]{16,200}|[A-Za-z0-9_-]{24,200})$/;
const credentialPart =
  /^(?:sk|pk|rk|pat|key|tok|token|live|prod|api|secret|sec|oat|aat|sat|auth|app|svc|int|bot|usr|user|org|admin|access|refresh|rt|at|tkn|pw|oauth|personal|test)$/i;
const hashes = /^(?:sha|md5|h1|integrity|chunk|build|v\d|x86|arm|utf|iso|node|es|commit|rev|id|usr_id)/i;

/** A token that no list knows: a prefix and a random body, or a random body alone. */
function chanceToken(text: string, start: number, end: number): Span | undefined {
  const length = end - start;
  if (length < 20 || length > 220) return undefined;
  const before = text.charCodeAt(start - 1);
  const after = text.charCodeAt(end);
  const token = text.slice(start, end).replace(trimmed, "");
  if (isPlaceholder(token) || isUuid(token) || isUlid(token) || isHex(token) || hashes.test(token)) return undefined;
  const withPrefix = prefixed.exec(token);
  const body = withPrefix?.[1];
  if (body && !token.includes(".")) {
    const look = lookAt(body);
    const named = token
      .slice(0, -body.length)
      .split(/[_-]/)
      .some((part) => credentialPart.test(part));
    if (named && look.digits > 2 && (isRandom(look) || isHex(body)))
      return { start, end: start + token.length, kind: "token" };
  }
  // In a path or in the midst of base64 such a run is a name or data, not a credential.
  if (before === 47 || before === 43 || after === 43 || after === 47 || before === 35 || before === 44)
    return undefined;
  if (token.includes(".") && length > 40) {
    const last = token.slice(token.lastIndexOf(".") + 1);
    if (last.length >= 20 && !isHex(last) && isRandom(lookAt(last)) && lookAt(last).digits > 4)
      return { start, end: start + token.length, kind: "token" };
  }
  if (length < 24 || length > 128 || token.includes(".") || token.includes("~")) return undefined;
  const look = lookAt(token);
  const mixed = look.uppers > 3 && look.lowers > 3 && look.digits > 2 && look.turns >= look.length * 0.4;
  if (!mixed || look.distinct < 14) return undefined;
  return { start, end: start + token.length, kind: "high-entropy" };
}
