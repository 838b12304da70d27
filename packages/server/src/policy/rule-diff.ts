import { compileName } from "./name-pattern.ts";
import type { ParsedDocument } from "./parse.ts";

/** One pattern of one scope, with all that it hangs on: the smallest thing that a policy says. */
export interface RuleText {
  readonly effect: "allow" | "deny";
  readonly subject: string;
  readonly tool: string;
  readonly pattern: string;
  /** Its scope's conditions and what it asks, as text; "" when there are none. */
  readonly conditions: string;
  /** The purposes and HTTP methods that it names: what has to be asked to see what it changes. */
  readonly purposes: readonly string[];
  readonly methods: readonly string[];
  /** `file:line` of its scope. */
  readonly place: string;
}

export interface RuleDiff {
  readonly added: readonly RuleText[];
  readonly removed: readonly RuleText[];
}

/** Every rule of a set, with groups spelled out. Where rules stand, and in which order, makes no difference to what is compared. */
export function toRuleTexts(documents: readonly ParsedDocument[]): readonly RuleText[] {
  const groups = new Map(documents.flatMap(({ value }) => Object.entries(value.groups ?? {})));
  const rules = new Map<string, RuleText>();
  for (const document of documents) {
    const { subject = [], scopes = [], purpose, expires } = document.value;
    const subjects = [subject].flat().flatMap((name) => {
      const group = /^group:(.*)$/s.exec(name)?.[1];
      return group === undefined ? [name] : (groups.get(group) ?? []);
    });
    const file = document.path.slice(document.path.lastIndexOf("/") + 1);
    for (const [index, { id: _, tool, allow = [], deny = [], ...asked }] of scopes.entries()) {
      const place = `${file}:${document.locate(["scopes", index]).line}`;
      const ends = { ...(expires && { until: expires }), ...(asked.expires && { expires: asked.expires }) };
      const needs = purpose === undefined || purpose === "required" ? {} : { purpose };
      const add = (effect: "allow" | "deny", pattern: string): void => {
        const conditions = toText(effect === "allow" ? { ...asked, ...needs, ...ends } : ends);
        for (const who of subjects) {
          for (const name of [tool].flat()) {
            const { purposes = [], methods = [] } = asked;
            const rule: RuleText = { effect, subject: who, tool: name, pattern, conditions, purposes, methods, place };
            const key = keyOf(rule);
            if (!rules.has(key)) rules.set(key, rule);
          }
        }
      };
      for (const pattern of allow) add("allow", pattern);
      for (const pattern of deny) add("deny", pattern);
    }
  }
  return [...rules.values()];
}

const keyOf = ({ effect, subject, tool, pattern, conditions }: RuleText): string =>
  JSON.stringify([effect, subject, tool, pattern, conditions]);

/** Conditions in one line, their keys in order and their lists too, since neither changes what they mean. */
function toText(conditions: Readonly<Record<string, unknown>>): string {
  const sorted = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(sorted).sort();
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, inner]) => [key, sorted(inner)]),
    );
  };
  return Object.entries(sorted(conditions) as Record<string, unknown>)
    .map(([key, value]) => `${key}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}

/** What one set says and the other does not. Two sets without a difference decide every question alike. */
export function diffRules(before: readonly RuleText[], after: readonly RuleText[]): RuleDiff {
  const [old, now] = [new Set(before.map(keyOf)), new Set(after.map(keyOf))];
  return {
    added: after.filter((rule) => !old.has(keyOf(rule))),
    removed: before.filter((rule) => !now.has(keyOf(rule))),
  };
}

/** What a change of rules opens and what it closes. */
export interface RuleEffects {
  readonly wider: readonly RuleText[];
  readonly narrower: readonly RuleText[];
}

/**
 * Sorts a difference by what it does: an allow that came or a deny that went may open something, the rest may close something. A deny counts only
 * where something is allowed that it could take away.
 */
export function toEffects(
  { added, removed }: RuleDiff,
  before: readonly RuleText[],
  after: readonly RuleText[],
): RuleEffects {
  const [allowedBefore, allowedAfter] = [before, after].map((rules) =>
    rules.filter(({ effect }) => effect === "allow"),
  );
  const bites = (rule: RuleText, allowed: readonly RuleText[] = []): boolean =>
    rule.effect === "allow" ||
    allowed.some(({ subject, tool }) => mayMeet(subject, rule.subject, "@") && mayMeet(tool, rule.tool, "."));
  const isAllow = ({ effect }: RuleText): boolean => effect === "allow";
  return {
    wider: [...added.filter(isAllow), ...removed.filter((rule) => !isAllow(rule) && bites(rule, allowedAfter))],
    narrower: [...removed.filter(isAllow), ...added.filter((rule) => !isAllow(rule) && bites(rule, allowedBefore))],
  };
}

/** Whether two patterns of names may match the same name; of two with wildcards it is taken for granted. */
function mayMeet(a: string, b: string, separator: "." | "@"): boolean {
  if (a === b) return true;
  const [first, second] = [compileName(a, separator), compileName(b, separator)];
  if (!first.exact && !second.exact) return true;
  return first.exact ? second.matches(a) : first.matches(b);
}

/** Rules of one scope with the same effect, as one. */
export interface RuleGroup {
  readonly effect: "allow" | "deny";
  readonly subjects: readonly string[];
  readonly tools: readonly string[];
  readonly patterns: readonly string[];
  readonly conditions: string;
  readonly place: string;
}

/** Puts rules together that differ in subject, tool and pattern alone; each group is every combination of its three lists. */
export function groupRules(rules: readonly RuleText[]): readonly RuleGroup[] {
  const single = rules.map(({ effect, subject, tool, pattern, conditions, place }): RuleGroup => {
    return { effect, subjects: [subject], tools: [tool], patterns: [pattern], conditions, place };
  });
  return join(join(join(single, "tools"), "patterns"), "subjects");
}

/** Joins groups that differ in one of their lists alone. */
function join(groups: readonly RuleGroup[], list: "subjects" | "tools" | "patterns"): readonly RuleGroup[] {
  const joined = new Map<string, RuleGroup>();
  for (const group of groups) {
    const key = JSON.stringify({ ...group, [list]: [] });
    const known = joined.get(key);
    joined.set(key, known ? { ...known, [list]: [...known[list], ...group[list]] } : group);
  }
  return [...joined.values()];
}

/** Whether a rule is about a subject and a tool: where no rule that differs is, no decision differs. */
export function createReach(rules: readonly RuleText[]): (subject: string, tool: string) => boolean {
  const names = new Map<string, (name: string) => boolean>();
  const matcher = (text: string, separator: "." | "@"): ((name: string) => boolean) => {
    const key = `${separator}${text}`;
    const known = names.get(key) ?? compileName(text, separator).matches;
    names.set(key, known);
    return known;
  };
  const pairs = new Map(rules.map(({ subject, tool }) => [JSON.stringify([subject, tool]), { subject, tool }]));
  return (subject, tool) => {
    for (const pair of pairs.values())
      if (matcher(pair.subject, "@")(subject) && matcher(pair.tool, ".")(tool)) return true;
    return false;
  };
}
