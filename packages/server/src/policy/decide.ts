import { type Canonical, toCanonical } from "./canonical.ts";
import { combine } from "./combine.ts";
import { findAllows, findDeny } from "./match.ts";
import { refuse } from "./refuse.ts";
import type { CompiledScope } from "./scope.ts";
import type { ToolRules } from "./tool-rules.ts";
import type { Allow, Question, Reason, Verdict } from "./verdict.ts";

/**
 * Judges a question by the rules of its subject and tool. A deny beats every allow; an allow counts when its scope's conditions hold. The order of
 * rules never matters.
 */
export function judge(rules: ToolRules, question: Question): Verdict {
  const resource = readResource(question);
  return resource === undefined ? refuse(question, "error", null) : judgeBy(rules, question, resource);
}

/** What the question touches; undefined when it cannot be judged. */
export const readResource = (question: Question): Canonical | undefined =>
  Number.isFinite(question.now) ? toCanonical(question.resource) : undefined;

/** The owner's scopes that cover a resource and whose conditions hold: also those that ask first. */
export const findHolding = (rules: ToolRules, question: Question, resource: Canonical): readonly CompiledScope[] =>
  findAllows(rules, resource).filter((scope) => failing(scope, question, rules.naming.has(scope)) === undefined);

function judgeBy(rules: ToolRules, question: Question, resource: Canonical): Verdict {
  const denied = findDeny(rules, resource, question.now);
  if (denied) return refuse(question, "denied", denied);
  const whole = toWholeKey(resource);
  if (whole !== undefined && rules.steady) return judgeWhole(rules, question, { resource, key: whole });
  return weigh(rules, question, findAllows(rules, resource));
}

/** An index or a folder is reached by every scope that lies in it, so the answer is kept where nothing but the kind of question changes it. */
const answers = new WeakMap<ToolRules, Map<string, Allow>>();
const maxAnswers = 256;

const toWholeKey = (resource: Canonical): string | undefined => {
  if (resource.kind === "index") return "";
  return resource.kind === "path" && resource.collection ? `/${resource.path.join("/")}` : undefined;
};

interface Whole {
  readonly resource: Canonical;
  readonly key: string;
}

function judgeWhole(rules: ToolRules, question: Question, whole: Whole): Verdict {
  const { effect, purpose } = question;
  let known = answers.get(rules);
  if (known === undefined) {
    known = new Map();
    answers.set(rules, known);
  }
  const key = `${effect} ${purposeOf(question) !== undefined} ${purpose.stated} ${whole.key}`;
  const answer = known.get(key);
  if (answer) return answer;
  const verdict = weigh(rules, question, findAllows(rules, whole.resource));
  if (verdict.effect === "deny") return verdict;
  if (known.size >= maxAnswers) known.clear();
  known.set(key, verdict);
  return verdict;
}

function weigh(rules: ToolRules, question: Question, scopes: readonly CompiledScope[]): Verdict {
  const holding: CompiledScope[] = [];
  let miss: { readonly reason: Reason; readonly scope: CompiledScope } | undefined;
  for (const scope of scopes) {
    const reason = failing(scope, question, rules.naming.has(scope));
    if (reason === undefined) holding.push(scope);
    else if (miss === undefined || order.indexOf(reason) < order.indexOf(miss.reason)) miss = { reason, scope };
  }
  const asking = holding.find(({ consent }) => consent);
  if (asking) return refuse(question, "consent", asking);
  const [first, ...others] = holding;
  if (first) return others.length === 0 ? first.alone : combine([first, ...others]);
  if (miss) return refuse(question, miss.reason, miss.scope);
  return refuse(question, rules.allowing.length > 0 ? "no_allow" : "no_scope", null);
}

/** Among scopes that fail, the one that a caller can mend most easily is told. */
const order: readonly Reason[] = [
  "purpose_required",
  "purpose_not_served",
  "method_not_named",
  "write_not_named",
  "expired",
];

/**
 * The first condition of a scope that does not hold, once an allow of it has matched; undefined when all hold. `named` tells whether the scope names the
 * tool without a wildcard: what writes or sends, and any method but GET and HEAD, needs that, and a purpose, whatever else the scope says.
 */
export function failing(scope: CompiledScope, question: Question, named: boolean): Reason | undefined {
  const { resource, effect, purpose, now } = question;
  if (!(scope.expires > now)) return "expired";
  const method = resource.kind === "url" ? resource.method : "GET";
  const fetches = method === "GET" || method === "HEAD";
  if (!fetches && !scope.methods.includes(method)) return "method_not_named";
  const acts = effect !== "read" || !fetches;
  if (acts && !named) return "write_not_named";
  const text = purposeOf(question);
  const wanted = acts || scope.needs !== "optional" || scope.purposes !== undefined;
  if (text === undefined) return wanted ? "purpose_required" : undefined;
  if (scope.needs === "stated" && !purpose.stated) return "purpose_required";
  if (scope.purposes && !scope.purposes.some((serves) => serves(text))) return "purpose_not_served";
  return undefined;
}

const purposeOf = ({ purpose }: Question): string | undefined => purpose.text?.trim() || undefined;
