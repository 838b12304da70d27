import { findAssignment, keyword } from "./assignments.ts";
import { type Decoded, decodeToken } from "./decode-token.ts";
import type { KnownSecrets } from "./known-secrets.ts";
import type { CompiledPatterns } from "./patterns.ts";
import { mayBeProvider } from "./provider-rules.ts";
import { inFlags, scanTokens } from "./scan-tokens.ts";
import type { Span } from "./spans.ts";
import {
  findAuthScheme,
  findCookie,
  findCurlUser,
  findJwt,
  findPem,
  findUserinfo,
  findWebhook,
} from "./structure-rules.ts";
import { findToken, type Run, type Strictness } from "./token-rules.ts";
import { decodeView } from "./views.ts";
import type { Budget } from "./work-budget.ts";

/** What a search is done with. */
export interface Search {
  readonly known: KnownSecrets | undefined;
  readonly patterns: readonly CompiledPatterns[];
  readonly budget: Budget;
  readonly strictness: Strictness;
}

const maxDepth = 4;
const none: readonly Span[] = [];
const hitCost = 60;
const unitCost = 30;
const patternCost = 6;
const encoded = inFlags.escape | inFlags.percent | inFlags.entity | inFlags.tag | inFlags.unseen;

/** Every secret of a text, in the plain and in what it decodes to. Throws BudgetSpent. The spans may overlap. */
export function findSecrets(text: string, search: Search, depth = 0): readonly Span[] {
  if (text.length < 4) return none;
  const { budget, known } = search;
  budget.spend(text.length);
  let spans: Span[] | undefined;
  const add = (span: Span): void => {
    budget.match();
    spans ??= [];
    spans.push(span);
  };
  known?.find(text, add);
  if (search.patterns.length > 0) findPatterns(text, search, add);
  const tokens = createTokenReader(text, search, depth, add);
  const flags = scanTokens(text, tokens);
  findKeywords(text, search, add);
  if (flags & inFlags.at) findUserinfo(text, add);
  if (text.includes("-----BEGIN")) findPem(text, add);
  if (search.strictness === "chance" && (text.includes(" -u") || text.includes("-user"))) findCurlUser(text, add);
  if (depth < maxDepth && (flags & encoded || text.includes("=\n") || text.includes("=\r")))
    findInView(text, search, depth, add);
  return spans ?? none;
}

function findInView(text: string, search: Search, depth: number, add: (span: Span) => void): void {
  const view = decodeView(text, () => search.budget.spend(unitCost));
  if (!view) return;
  search.budget.spend(text.length);
  for (const { start, end, kind } of findSecrets(view.text, search, depth + 1)) {
    const [from, to] = view.locate(start, end);
    add({ start: from, end: to, kind });
  }
}

function findPatterns(text: string, { patterns, budget }: Search, add: (span: Span) => void): void {
  for (const { matchers } of patterns) {
    for (const matcher of matchers) {
      budget.spend(text.length * (patternCost + (matcher.programSize() >> 3)));
      const found = matcher.matcher(text);
      while (found.find())
        if (found.end() > found.start()) add({ start: found.start(), end: found.end(), kind: "pattern" });
    }
  }
}

function findKeywords(text: string, { budget, strictness }: Search, add: (span: Span) => void): void {
  keyword.lastIndex = 0;
  for (;;) {
    const at = nextKeyword(text);
    if (at === -1) return;
    const after = keyword.lastIndex;
    budget.spend(hitCost);
    const first = text.charCodeAt(at) | 32;
    let next = after;
    if (first === 98 || first === 97 || first === 116 || first === 107) findAuthScheme(text, at, add);
    if (first === 99)
      findCookie(
        text,
        first === 99 && (text.charCodeAt(at - 1) === 45 || text.charCodeAt(at - 1) === 95) ? Math.max(0, at - 4) : at,
        add,
      );
    if (first === 104 || first === 119) findWebhook(text, at, add);
    if (strictness === "chance") next = Math.max(next, findAssignment(text, at, { add, spend: budget.spend }));
    keyword.lastIndex = next;
  }
}

function nextKeyword(text: string): number {
  return keyword.exec(text)?.index ?? -1;
}

/** Takes the runs of token characters: judges each, and reads what it holds in another writing. */
function createTokenReader(text: string, search: Search, depth: number, add: (span: Span) => void) {
  const { budget, strictness } = search;
  let readTo = 0;
  return (start: number, end: number, wrapped: boolean): void => {
    budget.spend(8 + ((end - start) >> 3));
    if (wrapped) findWrapped(text, { start, end }, search, add);
    if (end - start < 15) return;
    findJwtIn(text, start, end, add);
    findToken(text, { start, end, strictness, spend: budget.spend }, add);
    if (depth >= maxDepth || start < readTo) return;
    readTo = readEncoded(text, { start, end }, search, depth, add);
  };
}

function findJwtIn(text: string, start: number, end: number, add: (span: Span) => void): void {
  // JWTs begin a run, or stand behind a dash or a dot.
  for (let at = start; at < end - 12; at = nextStart(text, at, end)) {
    if (at === -1) return;
    if (text.charCodeAt(at) !== 101 || !text.startsWith("eyJ", at)) continue;
    findJwt(text, at, add);
    return;
  }
}

/** Widens a run to the whole base64 (or hex) token around it, decodes it, and searches what it holds. */
function readEncoded(
  text: string,
  run: { start: number; end: number },
  search: Search,
  depth: number,
  add: (span: Span) => void,
): number {
  let { start, end } = run;
  while (start > 0 && isBase64(text.charCodeAt(start - 1))) start--;
  while (end < text.length && isBase64(text.charCodeAt(end))) end++;
  end = endOfWrapped(text, start, end);
  search.budget.spend(end - start);
  for (const [from, to] of parts(text, start, end)) {
    const token = text.slice(from, to).replace(/[\r\n\t ]+/g, "");
    const decoded = decodeToken(token);
    if (!decoded) continue;
    search.budget.spend(token.length);
    const [first] = findDecoded(decoded, search, depth);
    if (first) {
      add({ start: from, end: to, kind: first.kind });
      break;
    }
  }
  return end;
}

/** In data that is not all text a key has no edge: what stands before it may be letters too. */
function findDecoded({ text, binary }: Decoded, search: Search, depth: number): readonly Span[] {
  const found = binary ? none : findSecrets(text, search, depth + 1);
  if (found.length > 0 || !(binary || /[^\t\n\r -~]/.test(text))) return found;
  return findSecrets(text, { ...search, strictness: "glued" }, depth + 1);
}

/** A run may be a path or a query whose parts are tokens of their own: the whole, then each part. */
function parts(text: string, start: number, end: number): readonly (readonly [number, number])[] {
  const all: (readonly [number, number])[] = [[start, end]];
  if (end - start > 4_096) return all;
  let from = start;
  for (let at = start; at <= end; at++) {
    const code = at === end ? 47 : text.charCodeAt(at);
    const cuts =
      code === 47 ||
      code === 46 ||
      code === 45 ||
      code === 95 ||
      (code === 61 && at + 2 < end && text.charCodeAt(at + 1) !== 61);
    if (!cuts) continue;
    if (at - from >= 16 && at - from < end - start) all.push([from, at]);
    if (code === 61 || code === 47 || code === 46) from = at + 1;
  }
  if (from > start && end - from >= 16) all.push([from, end]);
  return all.slice(0, 12);
}

const isBase64 = (code: number): boolean =>
  (code >= 48 && code <= 57) ||
  (code >= 65 && code <= 90) ||
  (code >= 97 && code <= 122) ||
  code === 43 ||
  code === 47 ||
  code === 61 ||
  code === 95 ||
  code === 45;

const wrap = /(?:\r?\n[ \t]{0,8}[A-Za-z0-9+/=_-]{4,80})+/y;
const leastLine = 40;

/** Where a token that is wrapped at a fixed width ends. */
function endOfWrapped(text: string, start: number, end: number): number {
  if (end - start < leastLine || end - start > 100 || (text.charCodeAt(end) !== 10 && text.charCodeAt(end) !== 13))
    return end;
  wrap.lastIndex = end;
  return wrap.test(text) ? wrap.lastIndex : end;
}

const wrappedRest = /(?:\\?\r?\n[ \t]{0,16}[A-Za-z0-9_\-.~+/=]{1,200}){1,60}/y;

/** A key that a line break cuts: the run and the next lines' first runs, joined, judged by exact rules. */
function findWrapped(
  text: string,
  { start, end }: { start: number; end: number },
  search: Search,
  add: (span: Span) => void,
): void {
  let begins = start;
  while (begins < end && !mayBeProvider(text, begins)) {
    const dash = nextStart(text, begins, end);
    if (dash === -1) return;
    begins = dash;
  }
  if (begins >= end) return;
  wrappedRest.lastIndex = end;
  const rest = wrappedRest.exec(text);
  if (!rest) return;
  search.budget.spend(rest[0].length + hitCost);
  const joined = text.slice(begins, end) + rest[0].replace(/\\?\r?\n[ \t]*/g, "");
  const head = joined.slice(0, 2_000);
  let hit = false;
  let kind = "token";
  const run: Run = { start: 0, end: runEnd(head), strictness: "exact", spend: search.budget.spend };
  findToken(head, run, (span) => {
    hit ||= span.start < end - begins;
    kind = span.kind;
  });
  if (hit) add({ start: begins, end: wrappedEnd(text, end, wrappedRest.lastIndex), kind });
}

function nextStart(text: string, from: number, end: number): number {
  for (let at = from; at < end - 3; at++) {
    const code = text.charCodeAt(at);
    if (code === 45 || code === 46 || code === 95) return at + 1;
  }
  return -1;
}

const runEnd = (text: string): number => /^[A-Za-z0-9_\-.~]+/.exec(text)?.[0].length ?? 0;

/** Lines go on while each looks like a part of a key: the first that is writing ends it. */
function wrappedEnd(text: string, from: number, most: number): number {
  const lines = text.slice(from, most).split("\n");
  let end = from;
  for (const [index, line] of lines.entries()) {
    if (index > 1 && /^[ \t]*[A-Z]?[a-z]{1,15}[.,:;]?\r?$/.test(line)) break;
    end += line.length + (index < lines.length - 1 ? 1 : 0);
  }
  return Math.min(end, most);
}
