import { failing } from "./decide.ts";
import { holdingGrants } from "./grants.ts";
import type { ToolRules } from "./tool-rules.ts";
import type { Question } from "./verdict.ts";

/** Views by what they are of, and by what else tells them apart. */
const views = new WeakMap<object, Map<string, object>>();
const mostViews = 64;

function remembered(of: object, key: string): object {
  let known = views.get(of);
  if (!known) {
    known = new Map();
    views.set(of, known);
  }
  let view = known.get(key);
  if (!view) {
    if (known.size >= mostViews) known.clear();
    view = Object.freeze({});
    known.set(key, view);
  }
  return view;
}

const anywhere = (question: Omit<Question, "resource">): Question => ({
  ...question,
  resource: { kind: "path", path: "/" },
});

/**
 * Stands for all that decides beside the resource: two questions with the same view get the same verdict on every path, and on fetching every URL. A changed
 * policy, a purpose that other scopes serve and an expiry that has passed each give another object.
 */
export function viewOf(rules: ToolRules, question: Omit<Question, "resource">): object {
  const asked = anywhere(question);
  const holds = rules.allowing.map((scope) => failing(scope, asked, rules.naming.has(scope)) ?? "");
  const denies = rules.denying.map(({ expires }) => expires <= question.now);
  return remembered(rules, `${holds.join()} ${denies.join()}`);
}

/** The view with the grants that hold: another one from the moment that one of them ends, and the view without grants when none holds. */
export function viewWith(alone: object, grants: readonly ToolRules[], question: Omit<Question, "resource">): object {
  const ids = holdingGrants(grants, anywhere(question));
  return ids.length === 0 ? alone : remembered(alone, ids.join(" "));
}
