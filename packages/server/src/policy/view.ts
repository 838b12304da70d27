import { failing } from "./decide.ts";
import { holdingGrants } from "./grants.ts";
import type { ToolRules } from "./tool-rules.ts";
import type { Question } from "./verdict.ts";

/** One object for each way in which the conditions of a tool's scopes can hold. */
const views = new WeakMap<ToolRules, Map<string, object>>();
const mostViews = 64;

/**
 * Stands for all that decides beside the resource: two questions with the same view get the same verdict on every path, and on fetching every URL. A changed
 * policy, a purpose that other scopes serve and an expiry that has passed each give another object.
 */
export function viewOf(rules: ToolRules, question: Omit<Question, "resource">): object {
  const asked: Question = { ...question, resource: { kind: "path", path: "/" } };
  const holds = rules.allowing.map((scope) => failing(scope, asked, rules.naming.has(scope)) ?? "");
  const denies = rules.denying.map(({ expires }) => expires <= question.now);
  const key = `${holds.join()} ${denies.join()}`;
  let known = views.get(rules);
  if (!known) {
    known = new Map();
    views.set(rules, known);
  }
  let view = known.get(key);
  if (!view) {
    if (known.size >= mostViews) known.clear();
    view = Object.freeze({});
    known.set(key, view);
  }
  return view;
}

/** One object for each set of grants beside a view without grants. */
const widened = new WeakMap<object, Map<string, object>>();

/** The view with the grants that hold: another one from the moment that one of them ends, and the view without grants when none holds. */
export function viewWith(alone: object, grants: readonly ToolRules[], question: Omit<Question, "resource">): object {
  const ids = holdingGrants(grants, { ...question, resource: { kind: "path", path: "/" } });
  if (ids.length === 0) return alone;
  const key = ids.join(" ");
  let known = widened.get(alone);
  if (!known) {
    known = new Map();
    widened.set(alone, known);
  }
  let view = known.get(key);
  if (!view) {
    if (known.size >= mostViews) known.clear();
    view = Object.freeze({});
    known.set(key, view);
  }
  return view;
}
