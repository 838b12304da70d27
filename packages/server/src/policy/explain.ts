import { type Canonical, toCanonical } from "./canonical.ts";
import type { CaselessRoot } from "./case-folding.ts";
import { failing } from "./decide.ts";
import type { CompiledGrant } from "./grants.ts";
import { findAllows, findDeny } from "./match.ts";
import { propose } from "./propose.ts";
import { type CompiledDocument, type CompiledScope, namesTool, type Rule } from "./scope.ts";
import { toToolRules } from "./tool-rules.ts";
import type { Question, Reason, ScopeRef, Verdict } from "./verdict.ts";

/** The conditions of a scope in the order in which they are looked at. */
export type Condition = "subject" | "tool" | "client" | "call" | "resource" | Reason;

/** What became of one scope. */
export interface Finding {
  readonly scope: ScopeRef;
  readonly outcome: "denies" | "allows" | "asks" | "fails";
  /** The pattern that decided or came nearest. */
  readonly pattern: string | null;
  /** The first condition that does not hold. */
  readonly condition?: Condition;
}

/** Why a question was answered as it was. For the owner only: it shows patterns of other resources. */
export interface Explanation {
  readonly verdict: Verdict;
  /** The policy's hash. */
  readonly policy: string;
  /** Every scope of the documents that name the subject. */
  readonly considered: readonly Finding[];
  /** The scopes that decided. */
  readonly deciding: readonly Finding[];
  /** Of the scopes that might have allowed it, those that came nearest; five at most. */
  readonly nearMisses: readonly Finding[];
  /** What would have to change for another answer, one sentence each. */
  readonly change: readonly string[];
}

interface Facts {
  readonly caseless: readonly CaselessRoot[];
  readonly documents: readonly CompiledDocument[];
  readonly hash: string;
  readonly verdict: Verdict;
  readonly question: Question;
  /** The grants of the subject. */
  readonly granted: readonly CompiledGrant[];
}

const maxNearMisses = 5;

export function explain({ documents, caseless, hash, verdict, question, granted }: Facts): Explanation {
  const resource = toCanonical(question.resource);
  const considered: Finding[] = [];
  const nearby: { readonly finding: Finding; readonly distance: number }[] = [];
  for (const { subjects, scopes } of resource === undefined ? [] : documents) {
    const named = subjects.some((pattern) => pattern.matches(question.subject));
    for (const scope of scopes) {
      const found = resource && examine(scope, question, { resource, named, caseless });
      if (!found) continue;
      if (named) considered.push(found.finding);
      if (found.finding.outcome === "fails" && found.distance < Infinity) nearby.push(found);
    }
  }
  for (const { grant, scope } of resource === undefined ? [] : granted) {
    const bound: Condition | undefined =
      grant.client !== question.client
        ? "client"
        : grant.call !== null && grant.call !== question.call
          ? "call"
          : undefined;
    const found = resource && examine(scope, question, { resource, named: true, caseless });
    if (!found) continue;
    const misses = bound !== undefined && found.finding.outcome === "allows";
    const finding: Finding = misses ? { ...found.finding, outcome: "fails", condition: bound } : found.finding;
    considered.push(finding);
    if (misses) nearby.push({ finding, distance: 0 });
    else if (finding.outcome === "fails" && found.distance < Infinity) nearby.push(found);
  }
  const outcomes: Readonly<Record<string, Finding["outcome"]>> = { denied: "denies", consent: "asks" };
  const wanted = verdict.effect === "allow" ? "allows" : outcomes[verdict.reason];
  const deciding = considered.filter(({ outcome }) => outcome === wanted);
  const nearMisses = nearby
    .sort((a, b) => a.distance - b.distance || (a.finding.scope.id < b.finding.scope.id ? -1 : 1))
    .slice(0, maxNearMisses)
    .map(({ finding }) => finding);
  const change = verdict.effect === "allow" ? toClose(deciding) : toOpen(question, { verdict, considered, nearMisses });
  return { verdict, policy: hash, considered, deciding, nearMisses, change };
}

/** The further down, the nearer; between these lie the shares of a pattern that fit. */
const distances: Partial<Record<Condition, number>> = { resource: 20, tool: 40, subject: 50 };

interface Look {
  readonly resource: Canonical;
  readonly named: boolean;
  readonly caseless: readonly CaselessRoot[];
}

function examine(
  scope: CompiledScope,
  question: Question,
  { resource, named, caseless }: Look,
): { readonly finding: Finding; readonly distance: number } {
  const how = namesTool(scope, question.tool);
  const denying = scope.deny.find((rule) => meets(rule, question, { resource, caseless }));
  if (denying && how && named)
    return { finding: { scope: scope.ref, outcome: "denies", pattern: denying.text }, distance: Infinity };
  const allowing = scope.allow.find((rule) => meets(rule, question, { resource, caseless }));
  const nearest = allowing ?? nearestOf(scope.allow, resource);
  const condition: Condition | undefined = !named
    ? "subject"
    : how === undefined
      ? "tool"
      : allowing === undefined
        ? "resource"
        : failing(scope, question, how === "exactly");
  const pattern = nearest?.text ?? null;
  if (condition === undefined)
    return { finding: { scope: scope.ref, outcome: scope.consent ? "asks" : "allows", pattern }, distance: Infinity };
  const finding: Finding = { scope: scope.ref, outcome: "fails", pattern, condition };
  if (condition === "resource") return { finding, distance: 20 + (nearest ? shortfall(nearest, resource) : Infinity) };
  // A scope of another tool or subject is worth a word only if it would have done otherwise.
  const worth = allowing !== undefined && (condition !== "subject" || how !== undefined);
  return { finding, distance: worth ? (distances[condition] ?? 0) : Infinity };
}

/** Whether one pattern covers the resource, judged by the same code that decides. */
function meets(rule: Rule, { tool, now }: Question, { resource, caseless }: Omit<Look, "named">): boolean {
  const denies = rule.scope.deny.includes(rule);
  const alone: CompiledScope = {
    ...rule.scope,
    tools: [{ text: tool, exact: true, matches: () => true }],
    allow: [],
    deny: [],
  };
  const copy: Rule = { ...rule, scope: alone };
  const scope: CompiledScope = { ...alone, [denies ? "deny" : "allow"]: [copy] };
  const rules = toToolRules([{ subjects: [], scopes: [scope] }], tool, caseless);
  return denies ? findDeny(rules, resource, now) !== undefined : findAllows(rules, resource).length > 0;
}

const nearestOf = (rules: readonly Rule[], resource: Canonical): Rule | undefined =>
  [...rules].sort((a, b) => shortfall(a, resource) - shortfall(b, resource))[0];

/** How much of the resource a pattern's literal beginning does not share, from 0 to 10; Infinity for another kind of resource. */
function shortfall({ target }: Rule, resource: Canonical): number {
  if (target.kind === "path" && resource.kind === "path") {
    const shared = target.glob.findIndex(
      (part, index) => part.kind !== "literal" || part.text !== resource.path[index],
    );
    const length = shared < 0 ? target.glob.length : shared;
    return length === 0 ? 10 : 9 / (length + 1);
  }
  if (target.kind !== "url" || resource.kind !== "url") return Infinity;
  return target.url.host === resource.url.host ? 1 : 10;
}

const at = ({ scope }: Finding): string => `${scope.id} (${scope.file}:${scope.line})`;

const toClose = (deciding: readonly Finding[]): readonly string[] => [
  `Any deny that covers it would forbid it; so would ${deciding.length > 1 ? "the removal of all of" : "the removal of"} ${deciding.map(at).join(", ")}.`,
];

interface Found {
  readonly verdict: Extract<Verdict, { effect: "deny" }>;
  readonly considered: readonly Finding[];
  readonly nearMisses: readonly Finding[];
}

function toOpen(question: Question, { verdict, considered, nearMisses }: Found): readonly string[] {
  if (verdict.reason === "error") return ["Nothing in the policy: what the call touches has no canonical form."];
  const change: string[] = considered
    .filter(({ outcome }) => outcome === "denies")
    .map((finding) => `The deny ${finding.pattern} of ${at(finding)} would have to go or say less.`);
  const open = considered.some(({ outcome }) => outcome === "allows" || outcome === "asks");
  if (verdict.reason === "consent") return ["The owner would have to say yes, or consent: ask would have to go."];
  if (open) return change;
  for (const finding of nearMisses) {
    const remedy = finding.condition && remedies[finding.condition];
    if (remedy) change.push(`${at(finding)} would do if ${remedy(question, finding)}.`);
  }
  const proposal = verdict.proposal ?? propose(question, verdict.reason);
  if (proposal && verdict.reason !== "purpose_required") change.push(`A scope of its own would do:\n${proposal.yaml}`);
  return change;
}

const remedies: Partial<Record<Condition, (question: Question, finding: Finding) => string>> = {
  subject: ({ subject }) => `its document named ${subject}`,
  tool: ({ tool }) => `it named ${tool}`,
  purpose_required: () => "the call stated a purpose",
  purpose_not_served: () => "the call had a purpose that it serves",
  method_not_named: ({ resource }) => `its methods named ${resource.kind === "url" ? resource.method : ""}`,
  write_not_named: ({ tool }) => `it named ${tool} without a wildcard`,
  expired: () => "it had not expired",
};
