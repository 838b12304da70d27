import type { Canonical } from "./canonical.ts";
import type { CaselessRoot } from "./case-folding.ts";
import { combine } from "./combine.ts";
import { failing } from "./decide.ts";
import { escapeGlob } from "./glob.ts";
import { findAllows } from "./match.ts";
import { compilePurpose } from "./name-pattern.ts";
import { compilePath, type Places } from "./path-pattern.ts";
import { helped } from "./refuse.ts";
import type { CompiledScope, Rule, Target } from "./scope.ts";
import { type ToolRules, toToolRules } from "./tool-rules.ts";
import { compileUrl, isUrl } from "./url-pattern.ts";
import type { Question, Reason, ScopeRef, Verdict } from "./verdict.ts";

/**
 * What the owner allowed beside the policy: a tool on some resources, for one client of one subject, for a time. It is a scope like any other, with
 * these bounds, and no deny.
 */
export interface Grant {
  readonly id: string;
  readonly subject: string;
  readonly client: string;
  readonly tool: string;
  /** Absolute paths or URLs. */
  readonly patterns: readonly string[];
  readonly methods: readonly string[];
  /** The hash of the only call that it is for; null for any. */
  readonly call: string | null;
  /** The only purpose that it serves; null for any. */
  readonly purpose: string | null;
  /** Milliseconds since the epoch; null when it does not end by itself. */
  readonly expiresAt: number | null;
}

/** The scope by which a grant is told in verdicts. */
export const toGrantRef = (id: string): ScopeRef => ({ id: `${prefix}${id}`, file: "consent", line: 0 });

/** The grant's id, where a scope is one. */
export const toGrantId = ({ id, file }: ScopeRef): string | undefined =>
  file === "consent" && id.startsWith(prefix) ? id.slice(prefix.length) : undefined;

const prefix = "grant:";

/** What the owner's answer can change: whatever one more scope would, and what they want to be asked. A missing purpose or a deny rule it cannot. */
export const answerable: ReadonlySet<Reason> = new Set<Reason>([...helped, "consent"]);

export interface CompiledGrant {
  readonly grant: Grant;
  readonly scope: CompiledScope;
}

/** Grants by whom and what they are for. */
export interface GrantTable {
  /** The scopes of grants that count for the question's subject, client, tool and call, those for any call first. */
  find(question: Omit<Question, "resource">): readonly ToolRules[];
  /** Whether a grant lets a client use a tool on something. */
  names(who: { readonly subject: string; readonly client: string }, tool: string, now: number): boolean;
  /** All grants of a subject. */
  of(subject: string): readonly CompiledGrant[];
}

/** Compiles grants. One whose pattern cannot be read allows nothing. */
export function compileGrants(grants: readonly Grant[], caseless: readonly CaselessRoot[]): GrantTable {
  const places = new Map<string, ToolRules>();
  const bySubject = new Map<string, CompiledGrant[]>();
  const byKey = new Map<string, CompiledScope[]>();
  for (const [rank, grant] of grants.entries()) {
    const scope = toScope(grant, rank);
    append(bySubject, grant.subject, { grant, scope });
    append(byKey, toKey(grant, grant.tool, grant.call), scope);
  }
  const rulesOf = (key: string, tool: string): ToolRules | undefined => {
    const scopes = byKey.get(key);
    if (scopes === undefined) return undefined;
    let rules = places.get(key);
    if (rules === undefined) {
      rules = toToolRules([{ subjects: [], scopes }], tool, caseless);
      places.set(key, rules);
    }
    return rules;
  };
  return {
    find({ subject, client, tool, call }) {
      if (client === undefined || !bySubject.has(subject)) return none;
      const who = { subject, client };
      const timed = rulesOf(toKey(who, tool, null), tool);
      const once = call === undefined ? undefined : rulesOf(toKey(who, tool, call), tool);
      return [...(timed ? [timed] : []), ...(once ? [once] : [])];
    },
    names: ({ subject, client }, tool, now) =>
      (bySubject.get(subject) ?? []).some(
        ({ grant, scope }) => grant.client === client && grant.tool === tool && scope.expires > now,
      ),
    of: (subject) => bySubject.get(subject) ?? [],
  };
}

const none: readonly ToolRules[] = [];

const toKey = (who: Pick<Grant, "subject" | "client">, tool: string, call: string | null): string =>
  JSON.stringify([who.subject, who.client, tool, call]);

function append<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

function toScope({ id, tool, patterns, methods, purpose, expiresAt }: Grant, rank: number): CompiledScope {
  const asked = {
    ref: toGrantRef(id),
    redact: [],
    rate: undefined,
    maxBytes: undefined,
    labels: undefined,
    hardlinks: false,
  };
  const allow: Rule[] = [];
  const scope: CompiledScope = {
    ...asked,
    rank,
    tools: [{ text: tool, exact: true, matches: (name) => name === tool }],
    allow,
    deny: [],
    needs: "optional",
    methods,
    purposes: purpose === null ? undefined : [compilePurpose(escapeGlob(purpose))],
    expires: expiresAt ?? Infinity,
    consent: false,
    alone: combine([asked]),
  };
  for (const text of patterns) for (const target of toTargets(text)) allow.push({ scope, text, target });
  return scope;
}

/** A grant's patterns hold no shorthand: what `@served` stands for may change. */
const nowhere: Places = { home: "", served: [] };

function toTargets(text: string): readonly Target[] {
  try {
    if (isUrl(text)) return [{ kind: "url", url: compileUrl(text, "allow") }];
    return compilePath(text, "allow", nowhere).map((glob) => ({ kind: "path", glob }));
  } catch {
    return [];
  }
}

/**
 * The verdict with the grants: where policy alone refuses for a reason that an answer of the owner's can change, a grant that covers the resource
 * allows it. What the owner's own scopes ask still adds up. `holding` are those of them that cover the resource and whose conditions hold.
 */
export function withGrants(
  verdict: Verdict,
  question: Question,
  facts: {
    readonly resource: Canonical;
    readonly grants: readonly ToolRules[];
    readonly holding: readonly CompiledScope[];
  },
): Verdict {
  if (verdict.effect === "allow" || !answerable.has(verdict.reason)) return verdict;
  for (const rules of facts.grants) {
    const [first, ...others] = findAllows(rules, facts.resource).filter(
      (scope) => failing(scope, question, true) === undefined,
    );
    // The first group that helps: a grant of one call is not used up where another holds.
    if (first) return combine([first, ...others, ...facts.holding]);
  }
  return verdict;
}

/** The grants that hold for a question, whatever it touches. */
export const holdingGrants = (rules: readonly ToolRules[], question: Question): readonly string[] =>
  rules.flatMap(({ allowing }) =>
    allowing.filter((scope) => failing(scope, question, true) === undefined).map(({ ref }) => ref.id),
  );
