import { combine } from "./combine.ts";
import { compileNames } from "./compile-names.ts";
import type { Scope } from "./document.ts";
import { toMoment } from "./moment.ts";
import { compilePurpose } from "./name-pattern.ts";
import { nearest } from "./nearest.ts";
import { compilePath, type Places } from "./path-pattern.ts";
import type { At } from "./place.ts";
import type { CompiledScope, Rule, Target } from "./scope.ts";
import { compileUrl, isUrl } from "./url-pattern.ts";
import type { ScopeRef } from "./verdict.ts";

export interface CompileOptions extends Places {
  /** The tools that there are. A name that is nearly one of them is a fault; one that is like none is a warning. */
  readonly tools?: readonly string[];
  /** What is wrong with a redaction pattern; undefined when it is good. */
  readonly checkPattern?: (pattern: string) => string | undefined;
}

interface Around {
  readonly ref: ScopeRef;
  readonly rank: number;
  /** When the document ends. */
  readonly end: number;
  readonly needs: CompiledScope["needs"];
  readonly options: CompileOptions;
  readonly at: At;
}

/** When something ends, in milliseconds since the epoch; Infinity when it does not. */
export function toExpires(text: string | undefined, at: At): number {
  if (text === undefined) return Infinity;
  const moment = toMoment(text);
  if (moment === undefined)
    at.fault("Here belongs a date (2027-01-31) or a date and time with its zone (2027-01-31T18:00Z).");
  return moment ?? 0;
}

/** What only an allow can ask: in a scope that only denies it would be a condition that nobody checks. */
export const ofAllows = [
  "methods",
  "rate",
  "redact",
  "maxBytes",
  "purposes",
  "labels",
  "consent",
  "hardlinks",
] as const;

export function compileScope(scope: Scope, { ref, rank, end, needs, options, at }: Around): CompiledScope {
  const { rate, redact, maxBytes, labels, purposes, methods = [] } = scope;
  if (at.whole && !scope.allow && !scope.deny) at.fault("A scope needs allow or deny.");
  for (const key of ofAllows)
    if (at.whole && !scope.allow && scope.deny && scope[key] !== undefined)
      at.in(key).fault(`${key} has no effect in a scope without allow: a deny always holds in full.`);
  for (const [index, pattern] of (redact?.patterns ?? []).entries()) {
    const wrong = options.checkPattern?.(pattern);
    if (wrong !== undefined) at.in("redact", "patterns", index).fault(wrong);
  }
  const allow: Rule[] = [];
  const deny: Rule[] = [];
  const perMinute = rate?.perMinute ?? 0;
  const asked = {
    ref,
    redact: redact?.patterns ?? [],
    rate: rate && { scope: ref.id, perMinute, burst: rate.burst ?? Math.max(1, Math.ceil(perMinute)) },
    maxBytes,
    labels,
    hardlinks: scope.hardlinks === "allow",
  };
  const compiled: CompiledScope = {
    ...asked,
    rank,
    tools: compileNames(scope.tool, { separator: ".", at: at.in("tool") }),
    allow,
    deny,
    needs,
    methods,
    purposes: purposes?.flatMap((text, index) => at.in("purposes", index).attempt(() => compilePurpose(text))),
    expires: Math.min(end, toExpires(scope.expires, at.in("expires"))),
    consent: scope.consent === "ask",
    alone: combine([asked]),
  };
  allow.push(
    ...compileRules(compiled, { texts: scope.allow ?? [], effect: "allow", places: options, at: at.in("allow") }),
  );
  deny.push(...compileRules(compiled, { texts: scope.deny ?? [], effect: "deny", places: options, at: at.in("deny") }));
  checkTools(compiled, options.tools, at.in("tool"));
  return compiled;
}

interface Patterns {
  readonly texts: readonly string[];
  readonly effect: "allow" | "deny";
  readonly places: Places;
  readonly at: At;
}

function compileRules(scope: CompiledScope, { texts, effect, places, at }: Patterns): readonly Rule[] {
  return texts.flatMap((text, index) =>
    at
      .in(index)
      .attempt(() => toTargets(text, effect, places))
      .flat()
      .map((target) => ({ scope, text, target })),
  );
}

function toTargets(text: string, effect: "allow" | "deny", places: Places): readonly Target[] {
  if (effect === "deny" && text === "**") return [{ kind: "all" }];
  if (isUrl(text)) return [{ kind: "url", url: compileUrl(text, effect) }];
  return compilePath(text, effect, places).map((glob) => ({ kind: "path", glob }));
}

function checkTools(scope: CompiledScope, known: readonly string[] | undefined, at: At): void {
  if (scope.methods.length > 0 && !scope.tools.some(({ exact }) => exact))
    at.warn("The methods have no effect: only a scope that names its tool without a wildcard can allow them.");
  if (known === undefined) return;
  for (const [index, pattern] of scope.tools.entries()) {
    if (known.some((tool) => pattern.matches(tool))) continue;
    const place = at.in(index);
    const meant = pattern.exact ? nearest(pattern.text, known, 2) : undefined;
    if (meant !== undefined) place.fault(`There is no tool named ${pattern.text}.`, meant);
    else place.warn(`No tool here is named ${pattern.text}: the scope waits for one.`);
  }
}
